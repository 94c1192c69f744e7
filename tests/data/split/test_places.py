"""Splits: nothing is torn apart, sizes and classes are close to their shares, time is followed."""

from __future__ import annotations

import itertools
import sys
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.data.child import figures
from tests.data.split import in_memory
from tests.data.split.small_blocks import use_small_blocks

from oreline.data.external import shuffling
from oreline.data.external.sorting import Sorted, coded
from oreline.data.split.places import Placing, check_shares, places
from oreline.errors import UsageError

SHARES = {"train": 0.7, "dev": 0.1, "test": 0.1, "fresh": 0.1}
Rows = list[tuple[int, int | None, str]]


def keys(rows: Rows) -> pl.DataFrame:
    schema = {"hash_high": pl.UInt64, "group": pl.String, "label": pl.String}
    named = [(text, None if group is None else f"g{group}", label) for text, group, label in rows]
    return pl.DataFrame(named, schema=schema, orient="row")


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
    rows = pl.DataFrame({"hash_high": range(200), "group": groups})
    together = Sorted(max_bytes=0)
    together.append(coded(np.arange(200) // 4 * 4, np.arange(200)))
    found = places(rows, SHARES, together=together)
    assert all(len(set(found[start : start + 20])) == 1 for start in range(0, 200, 20))


def test_the_gap_is_purged_before_every_later_split() -> None:
    start = datetime(2026, 1, 1)
    rows = pl.DataFrame({"hash_high": range(40), "time": [start + timedelta(hours=n) for n in range(40)]})
    shares = {"train": 0.5, "dev": 0.25, "test": 0.25}
    found = places(rows, shares, gap_us=3 * 3600 * 1_000_000).tolist()
    assert found == [*[0] * 18, -1, -1, *[1] * 8, -1, -1, *[2] * 10]
    assert places(rows, shares).tolist() == [*[0] * 20, *[1] * 10, *[2] * 10]


HALVES = st.integers(0, 3)
NAMED = [st.sampled_from("xyz"), st.integers(-3, 30).map(str), st.floats(-9, 9).map(str), st.text("ab", max_size=3)]
"""Labels: few, numbers that are mostly shared, numbers that mostly are not, and texts."""


@st.composite
def frames(draw: st.DrawFn, *roles: str) -> pl.DataFrame:
    """Return keys of some rows: texts of which many share the upper half of their hash, groups, what belongs together."""
    size = draw(st.integers(0, 40))
    spread = draw(st.sampled_from([2, 1000]))
    columns = {
        "hash_high": st.tuples(HALVES, st.integers(0, spread)).map(lambda halves: (halves[0] << 62) + halves[1]),
        "label": draw(st.sampled_from(NAMED)),
        "group": st.none() | st.integers(0, draw(st.sampled_from([5, 500]))).map(str),
        "together": st.integers(0, draw(st.sampled_from([10, 500]))),
        "time": st.integers(-5, 30),
    }
    held = {name: draw(st.lists(columns[name], min_size=size, max_size=size)) for name in roles}
    types = {"hash_high": pl.UInt64, "label": pl.String, "group": pl.String, "together": pl.Int64, "time": pl.Int64}
    return pl.DataFrame(held, schema={name: types[name] for name in roles})


def streamed(keys: pl.DataFrame, shares: dict[str, float], seed: int, *, gap_us: int = 0, rows: int) -> list[int]:
    """Return the places by the split on streams, with nothing held in memory, from frames of so many rows."""
    placing, edges = Placing(max_bytes=0), None
    for frame in keys.drop("together", strict=False).iter_slices(rows) if keys.height else [keys]:
        placing.add(frame)
    if "together" in keys.columns:
        _, first, number = np.unique(keys["together"], return_index=True, return_inverse=True)
        edges = Sorted(max_bytes=0)
        edges.append(coded(first[number], np.arange(keys.height)))
    return placing.places(shares, seed=seed, gap_us=gap_us, together=edges).array().tolist()


@pytest.fixture
def in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_blocks(monkeypatch)


SPLITS = st.sampled_from([SHARES, {"train": 0.9, "test": 0.1}, {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}])
ROLES = st.sets(st.sampled_from(["label", "group", "together"])).map(sorted)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data(), ROLES, SPLITS, st.integers(0, 3), st.integers(1, 50))
@pytest.mark.usefixtures("in_small_blocks")
def test_streams_are_split_as_rows_in_memory_were(
    data: st.DataObject, roles: list[str], shares: dict[str, float], seed: int, rows: int
) -> None:
    keys = data.draw(frames("hash_high", *roles))
    assert streamed(keys, shares, seed, rows=rows) == in_memory.places(keys, shares, seed=seed).tolist()


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(frames("time"), SPLITS, st.integers(0, 9), st.integers(1, 50))
@pytest.mark.usefixtures("in_small_blocks")
def test_streams_are_split_along_time_as_rows_in_memory_were(
    keys: pl.DataFrame, shares: dict[str, float], gap: int, rows: int
) -> None:
    expected = in_memory.places(keys, shares, gap_us=gap).tolist()
    assert streamed(keys, shares, 0, gap_us=gap, rows=rows) == expected


@pytest.mark.parametrize(("seed", "max_bytes"), [(0, 0), (1, 1 << 20), (2, 1 << 28)])
def test_many_rows_are_split_as_rows_in_memory_were(seed: int, max_bytes: int) -> None:
    """Real blocks, of rows of which many are copies, some in large groups."""
    random = np.random.default_rng(seed)
    size = 150_000
    keys = pl.DataFrame(
        {
            "hash_high": random.integers(0, 1 << 63, size, dtype=np.uint64)[random.integers(0, size, size)],
            "label": random.choice(["a", "b", "c"], size, p=[0.7, 0.29, 0.01]),
            "group": np.minimum(random.zipf(1.3, size), 1 << 40),
        }
    ).with_columns(pl.when(pl.col("group") > 3).then("group"))
    placing = Placing(max_bytes=max_bytes)
    for frame in keys.iter_slices(7000):
        placing.add(frame)
    assert np.array_equal(placing.places(SHARES, seed=seed).array(), in_memory.places(keys, SHARES, seed=seed))


def test_single_rows_of_several_buckets_meet_their_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shuffling, "BUCKET", 1000)
    rows: Rows = [(number, None, "xyz"[number % 3]) for number in range(30_000)]
    found = places(keys(rows), SHARES, seed=1)
    labels = np.array([label for *_, label in rows])
    for place, share in enumerate(SHARES.values()):
        for label in "xyz":
            is_placed = (found == place) & (labels == label)
            assert is_placed.sum() == 10_000 * share
            assert is_placed[:15_000].mean() == pytest.approx(share / 3, abs=0.03), "early rows and late ones alike"
    assert places(keys(rows), SHARES, seed=1).tolist() == found.tolist()


PLACING = """
import numpy as np
import polars as pl
from oreline.data.split.places import Placing

def peak():
    return sum(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) // 1024

def keys(random, rows):
    of_group = pl.Series(random.integers(0, 2 * rows, rows))
    return pl.DataFrame({
        "hash_high": random.integers(0, 1 << 63, rows, dtype=np.uint64),
        "label": pl.Series(random.integers(0, 5, rows)).cast(pl.String),
        "group": pl.select(pl.when(of_group % 2 == 0).then(of_group)).to_series(),
    })

def split(num_frames, max_bytes):
    random, placing = np.random.default_rng(0), Placing(max_bytes=max_bytes)
    for _ in range(num_frames):
        placing.add(keys(random, 10_000))
    return len(placing.places({"train": 0.8, "test": 0.2}))

split(10, 8 << 20)
before = peak()
print(split(150, 8 << 20), peak() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_is_held_does_not_grow_with_the_rows() -> None:
    """1,500,000 rows, half of them in 10,000 groups; 140 bytes of each would be 200 MB."""
    rows, held = figures(PLACING)
    assert rows == 1_500_000
    assert held < 40
