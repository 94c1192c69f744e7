"""Scales, ticks and labels."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.report.charts import axes


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.booleans())
def test_ticks_are_even_and_span_the_values(low: float, span: float, whole: bool) -> None:
    high = low + span
    ticks = axes.ticks(low, high, whole=whole)
    step = ticks[1] - ticks[0]
    assert 2 <= len(ticks) <= 8
    assert ticks[0] <= low + 1e-6 * step
    assert ticks[-1] >= high - 1e-6 * step
    assert all(b - a == pytest.approx(step) for a, b in itertools.pairwise(ticks))
    if whole:
        assert all(tick.is_integer() for tick in ticks)


@given(st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-100))
def test_a_single_value_has_ticks_around_it(value: float) -> None:
    ticks = axes.ticks(value, value)
    step = ticks[1] - ticks[0]
    assert step > 0
    assert ticks[0] - 1e-6 * step <= value <= ticks[-1] + 1e-6 * step


@given(st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6))
def test_the_label_of_a_tick_is_where_the_tick_is(value: float) -> None:
    ticks = axes.ticks(value, value)
    step = ticks[1] - ticks[0]
    for tick in ticks:
        written = axes.tick_label(tick, step).replace(",", "").replace("−", "-")
        assert float(written) == pytest.approx(tick, abs=step / 100)


@given(st.floats(-1e4, 1e4), st.floats(0.01, 1e4))
def test_tick_labels_are_distinct(low: float, span: float) -> None:
    ticks = axes.ticks(low, low + span)
    labels = [axes.tick_label(tick, ticks[1] - ticks[0]) for tick in ticks]
    assert len(set(labels)) == len(labels)


@given(st.text(max_size=80), st.floats(20, 200))
def test_clipped_text_fits(text: str, width: float) -> None:
    assert axes.text_width(axes.clip(text, width)) <= width


@given(st.integers(0, 30))
def test_series_are_told_apart(index: int) -> None:
    assert axes.series_class(index) != axes.series_class(index + 1)


def test_a_scale_is_linear() -> None:
    scale = axes.Scale(10.0, 20.0, 100.0, 0.0)
    assert [scale(value) for value in (10, 15, 20)] == [100.0, 50.0, 0.0]
    assert axes.Scale(1.0, 1.0, 5.0, 9.0)(1.0) == 5.0
