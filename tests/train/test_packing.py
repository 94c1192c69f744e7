"""Packing: every token once, no row too long, few rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.errors import UsageError
from oreline.tasks.written import Pieces
from oreline.train.packing import first_fit, joined, packed
from oreline.types import Encoded

SIZES = st.lists(st.integers(1, 20), min_size=1, max_size=40)


def slow_first_fit(lengths: list[int], room: int) -> list[list[int]]:
    """The same by looking through all rows."""
    bins: list[list[int]] = []
    for text in sorted(range(len(lengths)), key=lambda text: -lengths[text]):
        fitting = (row for row in bins if sum(lengths[other] for other in row) + lengths[text] <= room)
        row = next(fitting, None)
        if row is None:
            bins.append([text])
        else:
            row.append(text)
    return bins


@given(SIZES)
def test_it_is_first_fit_by_falling_length(lengths: list[int]) -> None:
    assert first_fit(lengths, 20) == slow_first_fit(lengths, 20)


@given(SIZES)
def test_every_token_is_in_one_row_and_none_is_too_long(lengths: list[int]) -> None:
    ids = [np.full(length, number, dtype=np.int32) for number, length in enumerate(lengths)]
    rows, targets = joined(Encoded(ids, np.zeros(len(ids), bool)), [row.astype(np.int64) for row in ids], 20)
    assert sorted(np.concatenate(rows.ids).tolist()) == sorted(np.concatenate(ids).tolist())
    assert max(len(row) for row in rows.ids) <= 20
    assert rows.segments is not None
    for row, numbers, target in zip(rows.ids, rows.segments, targets):
        assert len(row) == len(numbers) == len(target)
        np.testing.assert_array_equal(np.diff(row) != 0, np.diff(numbers) != 0)  # a text's tokens stand together


def test_a_head_that_cannot_keep_texts_apart_is_refused() -> None:
    ids: list[Any] = [np.ones(2, np.int32)]
    with pytest.raises(UsageError, match="packing"):
        packed(object(), Pieces(Encoded(ids, np.zeros(1, bool)), [ids[0].astype(np.int64)]), 8)
