"""Paired differences: they are differences, paired, and hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.errors import UsageError
from oreline.evaluate.compare import mcnemar, paired_difference, paired_differences
from oreline.evaluate.estimates import estimates
from oreline.evaluate.paired import score_interval

FIGURES = ["accuracy", "f1", "log_loss", "ece"]


def test_the_difference_is_the_difference_of_the_figures(make_table):
    before, after = make_table(200, skill=0.3), make_table(200, skill=0.5)
    mine, theirs = estimates(after, FIGURES, resamples=2), estimates(before, FIGURES, resamples=2)
    for figure, difference in paired_differences(before, after, FIGURES, resamples=50).items():
        assert difference.value == pytest.approx(mine[figure].value - theirs[figure].value)
        assert difference.low <= difference.value <= difference.high
        assert difference.n == 200


def test_accuracy_has_the_interval_of_the_gate(make_pair):
    before, after = make_pair(3, 8, 100)
    found = paired_difference(before, after)
    assert found.value == pytest.approx(-0.05)
    assert (found.low, found.high) == score_interval(3, 8, 100)
    assert paired_differences(before, after, ["accuracy"])["accuracy"] == found


def test_pairing_makes_the_interval_narrower_than_two_separate_ones(make_table):
    before, after = make_table(400, skill=0.3), make_table(400, skill=0.35)
    paired = paired_difference(before, after, metric="macro_f1", resamples=400)
    apart = [estimates(table, ["f1"], resamples=400)["macro_f1"] for table in (before, after)]
    unpaired_width = np.hypot(apart[0].high - apart[0].low, apart[1].high - apart[1].low)
    assert paired.high - paired.low < 0.5 * unpaired_width


def test_intervals_of_log_loss_hold_the_truth(make_table):
    """200 samples of 100 rows: 95 % ± 5 % of the intervals hold the difference in the population."""
    before, after = make_table(50_000, skill=0.3), make_table(50_000, skill=0.4)
    truth = paired_difference(before, after, metric="log_loss", resamples=1).value
    source = np.random.default_rng(0)
    held = 0
    for sample in range(200):
        rows = source.choice(50_000, size=100, replace=False)
        found = paired_differences(before.take(rows), after.take(rows), ["log_loss"], resamples=200, seed=sample)
        held += found["log_loss"].low <= truth <= found["log_loss"].high
    assert 0.90 <= held / 200 <= 1.0


def test_a_model_against_itself_differs_by_nothing(make_table):
    table = make_table(100)
    for figure, difference in paired_differences(table, table, FIGURES, resamples=20).items():
        assert difference.value == 0, figure
    assert mcnemar(table, table) == 1.0


def test_mcnemar_counts_the_rows_where_one_is_right(make_pair):
    assert mcnemar(*make_pair(1, 6, 50)) == pytest.approx(0.125)


def test_an_unknown_figure_gets_the_nearest_name(make_pair):
    with pytest.raises(UsageError, match="'macro_f2'") as caught:
        paired_difference(*make_pair(1, 6, 50), metric="macro_f2")
    assert "did you mean 'macro_f1'" in caught.value.allowed
