"""Places of sorted numbers, beside those of whole arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.external.ranks import at_places, integers, num_before, rising


@given(st.lists(st.floats(allow_nan=False)))
def test_numbers_rise_as_floats_do(values: list[float]) -> None:
    codes = rising(np.array(values, np.float64))
    assert np.argsort(codes, kind="stable").tolist() == np.argsort(np.array(values), kind="stable").tolist()


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_numbers_rise_as_integers_do_and_can_be_read_again(values: list[int]) -> None:
    numbers = np.array(values, np.int64)
    assert np.sort(rising(numbers)).tolist() == rising(np.sort(numbers)).tolist()
    assert integers(rising(numbers)).tolist() == values


@pytest.mark.parametrize("side", ["left", "right"])
@given(values=st.lists(st.integers(0, 9)), asked=st.lists(st.integers(0, 9)), size=st.integers(1, 5))
def test_places_equal_those_of_an_array(side: str, values: list[int], asked: list[int], size: int) -> None:
    numbers = np.sort(np.array(values, np.uint64))
    blocks = [numbers[start : start + size] for start in range(0, len(numbers), size)]
    found = num_before(blocks, np.array(asked, np.uint64), side)  # type: ignore[arg-type]
    assert found.tolist() == np.searchsorted(numbers, np.array(asked, np.uint64), side=side).tolist()  # type: ignore[call-overload]
    there = [place for place in asked if place < len(values)]
    assert at_places(blocks, np.array(there, np.int64)).tolist() == numbers[there].tolist()


def test_what_is_not_there_is_nothing() -> None:
    assert at_places([np.array([5, 6], np.uint64)], np.array([-1, 1, 2])).tolist() == [0, 6, 0]
