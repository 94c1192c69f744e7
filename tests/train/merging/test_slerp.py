"""Spherical interpolation: its ends, its length, equal angles, and the straight line where there is no angle."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from oreline.train.merging.slerp import Merging


def between(one: list[float], other: list[float], share: float) -> torch.Tensor:
    models = [{"w": torch.tensor(values, dtype=torch.float64)} for values in (one, other)]
    return Merging().merge(models, [1 - share, share], None)["w"]


vectors = st.lists(st.floats(-10, 10), min_size=3, max_size=3)


@given(vectors, vectors)
def test_the_ends_are_the_models(one: list[float], other: list[float]) -> None:
    assert between(one, other, 0.0).tolist() == pytest.approx(one, abs=1e-5)
    assert between(one, other, 1.0).tolist() == pytest.approx(other, abs=1e-5)


@given(st.floats(0.01, math.pi - 0.01), st.floats(0, 1))
def test_the_angle_is_divided_and_the_length_is_kept(angle: float, share: float) -> None:
    found = between([1.0, 0.0, 0.0], [math.cos(angle), math.sin(angle), 0.0], share)
    assert float(found.norm()) == pytest.approx(1.0)
    assert math.atan2(float(found[1]), float(found[0])) == pytest.approx(share * angle, abs=1e-6)


def test_parallel_and_empty_vectors_lie_on_a_line() -> None:
    assert between([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], 0.5).tolist() == [1.5, 3.0, 4.5]
    assert between([0.0, 0.0, 0.0], [2.0, 4.0, 6.0], 0.5).tolist() == [1.0, 2.0, 3.0]
    assert between([1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], 0.25).tolist() == [0.5, 0.0, 0.0]
