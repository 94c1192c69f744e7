"""Rows of equal text, by their hashes."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.duplicates.equal import EqualRows, inputs_of, marks, marks_of
from oreline.data.external import sorting
from oreline.data.external.sorting import decoded

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


KEYS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.booleans()), max_size=40)


@given(KEYS, st.sampled_from([1, 2]), st.sampled_from([0, 1 << 20]), st.integers(1, 9), st.integers(1, 9))
def test_groups_are_those_of_a_dictionary(
    rows: list[tuple[int, int, int, bool]], width: int, max_bytes: int, size: int, block: int
) -> None:
    """Keys that share 32 bits, that lie in several frames and blocks, and that are alone."""
    keys = np.array([(high << 32 | low, other) for high, low, other, _ in rows], np.uint64).reshape(-1, 2)[:, :width]
    is_alone = np.array([alone for *_, alone in rows], np.bool_)
    by_key: dict[tuple[int, ...], list[int]] = {}
    for row in np.flatnonzero(~is_alone).tolist():
        by_key.setdefault(tuple(keys[row].tolist()), []).append(row)
    expected = sorted((same[0], row) for same in by_key.values() if len(same) > 1 for row in same)
    equal = EqualRows(width, max_bytes=max_bytes)
    for low in range(0, len(keys), size):
        equal.add(keys[low : low + size], is_alone_N=is_alone[low : low + size])
    assert equal.num_rows == len(rows)
    with pytest.MonkeyPatch.context() as patch:
        blocks = sorting.Sorted.blocks
        patch.setattr(sorting.Sorted, "blocks", lambda numbers: blocks(numbers, block))
        groups = list(equal.groups().blocks())
    assert [pair for part in groups for pair in zip(*map(np.ndarray.tolist, decoded(part)))] == expected


def test_a_scan_is_marked_in_order() -> None:
    scan = pl.concat([ROWS] * 1000).lazy()
    whole = pl.concat(list(marks_of(scan, ["label"])))
    assert whole.height == 7000
    assert whole.head(7).equals(marks(ROWS, ["label"]))
    assert whole.tail(7).equals(marks(ROWS, ["label"]))


def test_inputs_are_the_columns_of_texts() -> None:
    assert inputs_of(["row_id", "text_pair", "label", "text"]) == ["text", "text_pair"]
