"""Splits: nothing is torn apart, sizes and classes are close to their shares, time is followed."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.data.duplicates.union import components
from oreline.data.split import check_shares, places
from oreline.errors import UsageError

SHARES = {"train": 0.7, "dev": 0.1, "test": 0.1, "fresh": 0.1}
Rows = list[tuple[int, int | None, str]]


def keys(rows: Rows) -> pl.DataFrame:
    schema = {"hash_high": pl.UInt64, "group": pl.String, "label": pl.String}
    named = [(text, None if group is None else f"g{group}", label) for text, group, label in rows]
    return pl.DataFrame(named, schema=schema, orient="row")


def slow_components(first: list[int], second: list[int]) -> list[int]:
    """Merge sets until nothing changes."""
    sets = [{number} for number in range(len(first))]
    for codes in (first, second):
        for a in range(len(first)):
            for b in range(a):
                if codes[a] == codes[b] and sets[a] is not sets[b]:
                    sets[a] |= sets[b]
                    for member in sets[a]:
                        sets[member] = sets[a]
    return [min(members) for members in sets]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=25))
def test_components_equal_those_of_merged_sets(pairs: list[tuple[int, int]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    found = components([np.array(first, np.int64), np.array(second, np.int64)])
    slow = slow_components(first, second)
    assert len(set(zip(found.tolist(), slow))) == len(set(slow)) == len(set(found.tolist()))


def test_a_long_chain_is_one_component() -> None:
    """Text i and i + 1 share group i: the worst case for spreading numbers step by step."""
    size = 50_000
    texts = np.repeat(np.arange(size), 2)
    groups = np.concatenate([[0], np.repeat(np.arange(1, size), 2), [size]])
    order = np.random.default_rng(0).permutation(len(texts))
    assert set(components([texts[order], groups[order]]).tolist()) == {0}


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(0, 8), st.sampled_from("xyz")), max_size=60),
    st.integers(0, 3),
)
def test_texts_and_groups_are_never_torn_apart(rows: Rows, seed: int) -> None:
    found = places(keys(rows), SHARES, seed=seed).tolist()
    assert all(0 <= place < len(SHARES) for place in found)
    for column in (0, 1):
        of_value: dict[object, set[int]] = {}
        for row, place in zip(rows, found):
            if row[column] is not None:
                of_value.setdefault(row[column], set()).add(place)
        assert all(len(seen) == 1 for seen in of_value.values())


def test_single_rows_meet_their_shares_exactly() -> None:
    rows: Rows = [(number, None, "xyz"[number % 3]) for number in range(3000)]
    found = places(keys(rows), SHARES)
    labels = np.array([label for *_, label in rows])
    for place, share in enumerate(SHARES.values()):
        for label in "xyz":
            assert ((found == place) & (labels == label)).sum() == 1000 * share


@pytest.mark.parametrize("seed", range(5))
def test_skewed_groups_come_close_to_their_shares(seed: int) -> None:
    """Group sizes follow Zipf's law and each group leans to a class: within 1 % of the rows, classes within 3 %."""
    random = np.random.default_rng(seed)
    sizes = np.minimum(random.zipf(1.6, 2000), 400)
    rows: Rows = []
    for group, size in enumerate(sizes.tolist()):
        labels = random.choice(list("xyz"), p=random.dirichlet([0.5, 0.5, 0.5]), size=size)
        rows += [(len(rows) + member, group, str(label)) for member, label in enumerate(labels)]
    found = places(keys(rows), SHARES, seed=seed)
    labels = np.array([label for *_, label in rows])
    for place, share in enumerate(SHARES.values()):
        assert abs((found == place).mean() - share) < 0.01
        for label in "xyz":
            assert abs((labels[found == place] == label).mean() - (labels == label).mean()) < 0.03


def test_one_group_larger_than_a_split_goes_where_it_fits() -> None:
    rows: Rows = [(number, 0 if number < 600 else number, "x") for number in range(1000)]
    found = places(keys(rows), SHARES)
    assert np.bincount(found).tolist() == [700, 100, 100, 100]
    assert set(found[:600].tolist()) == {0}


def test_rare_classes_are_trained_on_before_they_are_tested() -> None:
    """150 classes of 3 rows: train has every class, and the other splits still get their rows."""
    rows: Rows = [(number, None, f"class {number % 150}") for number in range(450)]
    found = places(keys(rows), {"train": 0.8, "dev": 0.1, "test": 0.1})
    labels = np.array([label for *_, label in rows])
    assert len(set(labels[found == 0].tolist())) == 150
    assert np.bincount(found).tolist() == [360, 45, 45]


def test_the_seed_decides() -> None:
    rows: Rows = [(number, number // 3, "xy"[number % 2]) for number in range(300)]
    first, again, other = (places(keys(rows), SHARES, seed=seed) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()


def test_no_rows() -> None:
    assert places(keys([]), SHARES).tolist() == []


def test_time_is_followed_and_moments_stay_together() -> None:
    start = datetime(2026, 1, 1)
    days = [9, 1, 5, 5, 5, 2, 8, 3, 7, 0]
    frame = keys([(number, 0, "x") for number in range(10)]).with_columns(
        pl.Series("time", [start + timedelta(days=day) for day in days])
    )
    found = places(frame, {"train": 0.5, "dev": 0.2, "test": 0.3})
    assert found.tolist() == [2, 0, 0, 0, 0, 0, 2, 0, 2, 0]
    newest_of_train = max(day for day, place in zip(days, found) if place == 0)
    assert all(day > newest_of_train for day, place in zip(days, found) if place > 0)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=50))
def test_no_older_row_is_tested_than_trained_on(days: list[int]) -> None:
    frame = pl.DataFrame({"time": [datetime(2026, 1, 1) + timedelta(days=day) for day in days]})
    found = places(frame, SHARES).tolist()
    ordered = sorted(zip(days, found))
    assert [place for _, place in ordered] == sorted(found)
    assert len({(day, place) for day, place in ordered}) == len(set(days))


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ({"train": 0.8, "test": 0.1}, "add up to 0.9"),
        ({"train": 1.2, "test": -0.2}, "the share of 'train' is 1.2"),
        ({"../train": 1.0}, "cannot be called"),
        ({"": 1.0}, "cannot be called"),
    ],
)
def test_impossible_shares(shares: dict[str, float], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check_shares(shares)


def test_numbers_are_stratified_by_tenths():
    values = [str(round(x, 6)) for x in np.random.default_rng(0).normal(size=1000)]
    placed_N = places(keys_of(values), {"train": 0.8, "test": 0.2}, seed=1)
    numbers_N = np.array(values, float)
    assert (placed_N == 1).sum() == 200
    for low, high in itertools.pairwise(np.quantile(numbers_N, np.linspace(0, 1, 11))):
        inside_N = (numbers_N >= low) & (numbers_N < high)
        assert (placed_N[inside_N] == 1).mean() == pytest.approx(0.2, abs=0.02)


def test_labels_that_nearly_all_differ_are_not_stratified():
    placed_N = places(keys_of([f"a {n}" for n in range(500)]), {"train": 0.8, "dev": 0.1, "test": 0.1}, seed=1)
    assert np.bincount(placed_N).tolist() == [400, 50, 50]


def test_rare_classes_still_stay_in_train():
    placed_N = places(keys_of(["a"] * 90 + ["rare"] * 2), {"train": 0.8, "dev": 0.1, "test": 0.1}, seed=1)
    assert placed_N[90:].tolist() == [0, 0]


def keys_of(labels: list[str]) -> pl.DataFrame:
    """Return keys of rows that belong together with no other."""
    return pl.DataFrame({"hash_high": np.arange(len(labels), dtype=np.uint64), "label": labels})


def test_rows_that_belong_together_stay_so_with_their_groups() -> None:
    groups = [n // 10 for n in range(200)]
    rows = pl.DataFrame({"hash_high": range(200), "together": [n // 4 for n in range(200)], "group": groups})
    found = places(rows, SHARES)
    assert all(len(set(found[start : start + 20])) == 1 for start in range(0, 200, 20))


def test_the_gap_is_purged_before_every_later_split() -> None:
    start = datetime(2026, 1, 1)
    rows = pl.DataFrame({"hash_high": range(40), "time": [start + timedelta(hours=n) for n in range(40)]})
    shares = {"train": 0.5, "dev": 0.25, "test": 0.25}
    found = places(rows, shares, gap_us=3 * 3600 * 1_000_000).tolist()
    assert found == [*[0] * 18, -1, -1, *[1] * 8, -1, -1, *[2] * 10]
    assert places(rows, shares).tolist() == [*[0] * 20, *[1] * 10, *[2] * 10]
