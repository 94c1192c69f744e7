"""Shift of predicted labels: the statistic against SciPy, the null exact, the effect by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from oreline.monitor.detectors.label_shift import Detector, g_statistic
from oreline.types import Sample


def _sample(counts: dict[str, int], prefix: str) -> Sample:
    labels = [label for label, count in counts.items() for _ in range(count)]
    ids = [f"{prefix}{number}" for number in range(len(labels))]
    return Sample(ids, ids, labels, np.zeros((len(ids), 2), np.float32), np.zeros((len(ids), 0), np.float32))


def test_g_equals_scipy() -> None:
    source = np.random.default_rng(0)
    for _ in range(20):
        table = source.integers(0, 30, size=(2, 4)) + np.asarray([[1], [0]])
        expected = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
        assert g_statistic(table[1], table.sum(axis=0)) == pytest.approx(expected, abs=1e-9)


def test_p_value_is_near_that_of_chi_square() -> None:
    reference, live = {"a": 300, "b": 150, "c": 50}, {"a": 270, "b": 180, "c": 50}
    table = [list(reference.values()), list(live.values())]
    expected = chi2_contingency(table, correction=False, lambda_="log-likelihood").pvalue
    drift = Detector(num_permutations=9999).detect(_sample(reference, "r"), _sample(live, "l"))
    assert drift.p_value == pytest.approx(expected, abs=0.02)


def test_the_effect_is_the_share_of_rows_that_changed() -> None:
    drift = Detector().detect(_sample({"a": 50, "b": 50}, "r"), _sample({"a": 80, "b": 20}, "l"))
    assert drift.effect.value == pytest.approx(0.3)
    assert drift.effect.low < 0.3 < drift.effect.high
    assert drift.drifted
    assert drift.details["shares"]["live"] == {"a": 0.8, "b": 0.2}
    assert drift.row_scores["l0"] > 0 > drift.row_scores["l99"]


def test_a_label_never_seen_before_counts() -> None:
    drift = Detector().detect(_sample({"a": 100}, "r"), _sample({"a": 70, "new": 30}, "l"))
    assert drift.drifted
    assert max(drift.row_scores, key=drift.row_scores.get) in {f"l{number}" for number in range(70, 100)}


def test_a_significant_but_small_shift_is_no_drift() -> None:
    """With many rows everything is significant; what counts is how large it is."""
    drift = Detector().detect(_sample({"a": 50_000, "b": 50_000}, "r"), _sample({"a": 52_000, "b": 48_000}, "l"))
    assert drift.p_value < 0.001
    assert not drift.drifted
    assert (
        Detector(min_distance=0.01)
        .detect(_sample({"a": 50_000, "b": 50_000}, "r"), _sample({"a": 52_000, "b": 48_000}, "l"))
        .drifted
    )


def test_one_label_on_both_sides_is_no_drift() -> None:
    drift = Detector().detect(_sample({"a": 40}, "r"), _sample({"a": 60}, "l"))
    assert (drift.p_value, drift.effect.value, drift.drifted) == (1.0, 0.0, False)
