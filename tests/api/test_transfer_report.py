"""The interval of a gap, and what stands beside it."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.api.transfer_report import Beside, Experiment, difference, report_of
from oreline.types import Estimate


def test_the_gaps_interval_covers_what_independent_rows_do() -> None:
    """Against simulation: two shares with Wilson-like normal intervals."""
    source, truth, rows = np.random.default_rng(1), (0.85, 0.7), (400, 250)
    held = 0
    for _ in range(2000):
        found = []
        for share, n in zip(truth, rows):
            value = source.binomial(n, share) / n
            half = 1.96 * (value * (1 - value) / n) ** 0.5
            found.append(Estimate(value, value - half, value + half, n))
        gap = difference(*found)
        held += gap.low <= truth[0] - truth[1] <= gap.high
    assert 0.935 < held / 2000 < 0.965


def estimate(value: float, n: int = 50) -> Estimate:
    return Estimate(value, value - 0.1, value + 0.1, n)


def experiment(values: str, inside: float, outside: float, num_adapted: int = 0, **more: Beside) -> Experiment:
    return Experiment(
        values, "accuracy", "full", 100, estimate(inside), estimate(outside, 20), (estimate(0.8), estimate(0.6)),
        more.get("reference"), more.get("adapted"), num_adapted, ["few rows"],
    )  # fmt: skip


def test_side_by_side_with_averages() -> None:
    beside = Beside(estimate(0.8, 20), estimate(-0.1, 20))
    found = [experiment("a", 0.9, 0.7, reference=beside), experiment("b", 0.8, 0.8)]
    report = report_of("shop", found, subject={"data": "x"})
    first, known, linear = report.tables
    assert first.rows[2][2] == pytest.approx(0.85)
    assert first.rows[2][4] == pytest.approx(-0.1)
    assert report.metrics["accuracy_left_out"].n == 40
    assert [row[0] for row in known.rows] == ["a"]
    assert linear.rows[0][3].value == pytest.approx(-0.2)
    assert report.warnings == ["a: few rows", "b: few rows"]
    assert "Trained without these values of shop" in str(report)
    assert report._repr_html_().count("<svg")
