"""The replay policy: shares kept, rare classes kept, order irrelevant."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.errors import UsageError
from oreline.update.policies.replay import Policy, shares, stratified


def rows(source: str, labels: list[str]) -> pl.DataFrame:
    """Rows with ids and texts of their own."""
    return pl.DataFrame(
        {
            "row_id": [f"{source}:{number}" for number in range(1, len(labels) + 1)],
            "text": [f"{label} {number}" for number, label in enumerate(labels)],
            "label": labels,
        },
        schema={"row_id": pl.String, "text": pl.String, "label": pl.String},
    )


@given(
    counts=st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.integers(1, 500), min_size=1, max_size=8),
    data=st.data(),
)
def test_shares_are_whole_fair_and_possible(counts: dict[str, int], data: st.DataObject) -> None:
    num_rows = data.draw(st.integers(0, sum(counts.values())))
    given_rows = shares(counts, num_rows)
    assert sum(given_rows.values()) == num_rows
    assert all(0 <= given_rows[value] <= counts[value] for value in counts)
    if num_rows >= len(counts):
        assert min(given_rows.values()) >= 1
    # A class never gets more than its exact quota rounded up, or the one row that every class keeps.
    total = sum(counts.values())
    assert all(given_rows[value] <= max(-(-num_rows * counts[value] // total), 1) for value in counts)


def test_the_sample_has_the_shares_of_the_old_rows() -> None:
    old = rows("old", ["fresh"] * 700 + ["rotten"] * 290 + ["plot"] * 10)
    sample = stratified(old, "label", 100, seed=3)
    assert Counter(sample["label"]) == {"fresh": 70, "rotten": 29, "plot": 1}
    assert sample["row_id"].n_unique() == 100
    assert set(sample["row_id"]) <= set(old["row_id"])


def test_the_sample_does_not_depend_on_the_order_of_the_rows() -> None:
    old = rows("old", ["fresh", "rotten", "rotten"] * 50)
    assert stratified(old, "label", 40, seed=1).equals(stratified(old.reverse(), "label", 40, seed=1))
    assert not stratified(old, "label", 40, seed=1).equals(stratified(old, "label", 40, seed=2))


def test_rows_without_a_value_are_a_class_of_their_own() -> None:
    old = rows("old", ["fresh"] * 30).with_columns(
        label=pl.Series([None if number % 3 == 0 else "fresh" for number in range(30)])
    )
    assert stratified(old, "label", 9, seed=0)["label"].null_count() == 3


def test_all_fresh_rows_and_as_many_old_ones() -> None:
    fresh, old = rows("fresh", ["fresh"] * 20 + ["rotten"] * 20), rows("old", ["fresh", "rotten"] * 200)
    mixed = Policy().rows(fresh, old, seed=5)
    assert mixed.height == 80
    assert set(fresh["row_id"]) <= set(mixed["row_id"])
    # Shuffled: the fresh rows do not come in one block.
    first_half = mixed["row_id"].head(40).str.starts_with("fresh").sum()
    assert 5 < first_half < 35


@pytest.mark.parametrize(("old_per_fresh", "num_old"), [(0.0, 0), (0.5, 5), (3.0, 30), (None, 200), (1000.0, 200)])
def test_old_per_fresh(old_per_fresh: float | None, num_old: int) -> None:
    mixed = Policy(old_per_fresh=old_per_fresh).rows(rows("fresh", ["fresh"] * 10), rows("old", ["fresh"] * 200))
    assert mixed.height == 10 + num_old


def test_columns_that_only_one_side_has_are_left_out() -> None:
    fresh = rows("fresh", ["fresh"]).with_columns(movie=pl.lit("x"))
    assert Policy().rows(fresh, rows("old", ["rotten"])).columns == ["row_id", "text", "label"]


def test_a_negative_share_is_refused() -> None:
    with pytest.raises(UsageError, match="old_per_fresh is -1"):
        Policy(old_per_fresh=-1)
