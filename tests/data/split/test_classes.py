"""What rows are stratified by: more in test_places.py, beside the split of rows in memory."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from oreline.data.split import classes
from oreline.data.split.classes import Classes, Strata, one_class


def codes(labels: list[str], num_splits: int = 2, *, rows: int = 3) -> list[int]:
    strata = Strata(max_bytes=0)
    for start in range(0, len(labels), rows):
        strata.add(pl.Series(labels[start : start + rows], dtype=pl.String))
    found = strata.classes(num_splits)
    whole = np.concatenate([np.zeros(0, np.int64), *found.blocks()])
    assert np.bincount(whole, minlength=len(found.rows_K)).tolist() == found.rows_K.tolist()
    return whole.tolist()


def test_labels_are_numbered_in_their_order() -> None:
    assert codes(["b", "ä", "b", "a", "a", "ä"]) == [1, 2, 1, 0, 0, 2]


def test_numbers_that_most_rows_share_are_labels_in_the_order_of_texts() -> None:
    assert codes(["9", "10", "9", "10"]) == [1, 0, 1, 0]


def test_numbers_by_tenths_and_of_equal_ones_the_earlier_row_first() -> None:
    assert codes(["-0.0", "7e3", "0", "-1", "12", "30", "1", "2", "3", "4"], 3) == [1, 9, 2, 0, 7, 8, 3, 4, 5, 6]


def test_texts_of_their_own_and_numbers_without_an_end_are_one_class() -> None:
    assert set(codes(["a", "b", "1", "2"], 2)) == {0}
    assert set(codes(["1", "2", "3", "inf"], 2)) == {0}


def test_too_many_labels_are_no_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as may be are; one more, and rows are of one class, or numbers of ten."""
    labels = [f"c{n % 40}" for n in range(400)]
    monkeypatch.setattr(classes, "_LEAST_BYTES", 100)
    monkeypatch.setattr(classes, "MOST_LABELS", 40)
    assert len(set(codes(labels))) == 40
    monkeypatch.setattr(classes, "MOST_LABELS", 39)
    assert len(set(codes(labels))) == 1
    assert len(set(codes([label[1:] for label in labels]))) == 10
    monkeypatch.setattr(classes, "MOST_LABELS", 40)
    monkeypatch.setattr(classes, "_MOST_BYTES", 300)
    assert len(set(codes(labels))) == 1


def test_no_rows_are_of_one_class() -> None:
    strata = Strata(max_bytes=0)
    strata.add(pl.Series([], dtype=pl.String))
    assert strata.classes(3).rows_K.tolist() == [0]
    assert one_class(0, max_bytes=0).rows_K.tolist() == [0]
    assert one_class(70_000, max_bytes=0).rows_K.tolist() == [70_000]


@pytest.mark.parametrize(("num_classes", "size"), [(1, 1), (256, 1), (257, 2), (70_000, 4)])
def test_a_class_takes_as_few_bytes_as_there_are_classes(num_classes: int, size: int) -> None:
    found = Classes(num_classes, max_bytes=1 << 20)
    found.append(np.array([num_classes - 1, 0]))
    assert found.at(np.array([1, 0, 0])).tolist() == [0, num_classes - 1, num_classes - 1]
    assert found._codes.array().dtype.itemsize == size
