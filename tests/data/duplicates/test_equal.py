"""Rows of equal text, by their hashes."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.duplicates.equal import inputs_of, marks, marks_of, repeated

ROWS = pl.DataFrame(
    {
        "row_id": [f"a:{number}" for number in range(1, 8)],
        "text": ["Good film", "好 片", "good  FILM", "other", "好 片", "", None],
        "label": ["a", "b", "b", "a", "b", "a", "a"],
    }
)


def test_marks_are_equal_where_texts_are_after_folding() -> None:
    found = marks(ROWS, ["label"])
    assert found["hash_high"].to_list().index(found["hash_high"][2]) == 0
    assert found["hash_low"][1] == found["hash_low"][4]
    assert found["hash_high"].n_unique() == 4
    assert found["target"].n_unique() == 2
    assert marks(ROWS)["target"].unique().to_list() == [0]
    assert marks(ROWS.select("row_id"))["hash_high"].n_unique() == 1, "nothing tells them apart"


def test_a_missing_target_is_a_value_of_its_own() -> None:
    rows = pl.DataFrame({"text": ["a"] * 3, "label": [None, "", "x"]})
    assert marks(rows, ["label"])["target"].n_unique() == 3


@pytest.mark.parametrize("max_bytes", [0, 1 << 20])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_what_occurs_once_is_left_out(size: int, max_bytes: int) -> None:
    found = repeated((marks(part, ["label"]) for part in ROWS.iter_slices(size)), max_bytes=max_bytes)
    assert found["position"].to_list() == [0, 1, 2, 4, 5, 6]
    assert found.schema["position"] == pl.UInt32
    assert repeated([]).height == 0
    assert repeated([marks(ROWS.head(2))]).height == 0


def test_half_of_a_hash_is_not_enough() -> None:
    rows = pl.DataFrame({"hash_high": [1, 1, 2, 1], "hash_low": [5, 6, 5, 6], "target": [0] * 4}).cast(pl.UInt64)
    assert repeated([rows])["position"].to_list() == [1, 3]


def test_a_scan_is_marked_in_order() -> None:
    scan = pl.concat([ROWS] * 1000).lazy()
    whole = pl.concat(list(marks_of(scan, ["label"])))
    assert whole.height == 7000
    assert whole.head(7).equals(marks(ROWS, ["label"]))
    assert whole.tail(7).equals(marks(ROWS, ["label"]))


def test_inputs_are_the_columns_of_texts() -> None:
    assert inputs_of(["row_id", "text_pair", "label", "text"]) == ["text", "text_pair"]
