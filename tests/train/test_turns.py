"""Which task each step is of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.train.turns import shares_of, turns


@given(
    rows=st.lists(st.integers(1, 10_000), min_size=2, max_size=6),
    num_steps=st.integers(1, 500),
    temperature=st.floats(1, 20),
)
def test_each_task_has_its_share_of_the_steps(rows: list[int], num_steps: int, temperature: float) -> None:
    shares = shares_of(rows, temperature)
    assert sum(shares) == pytest.approx(1)
    drawn = turns(rows, num_steps, temperature=temperature, seed=1)
    counts = np.bincount(drawn, minlength=len(rows))
    assert len(drawn) == num_steps
    assert np.abs(counts - np.asarray(shares) * num_steps).max() <= 1
    assert np.array_equal(drawn, turns(rows, num_steps, temperature=temperature, seed=1))
    assert shares_of(rows, 1e9) == pytest.approx([1 / len(rows)] * len(rows), rel=1e-3)
