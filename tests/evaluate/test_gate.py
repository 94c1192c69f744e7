"""The gate: what passes, what is refused, what stays open, and how often it errs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.errors import DataError, UsageError
from oreline.evaluate.gate import ALPHA, gate, holm
from oreline.evaluate.paired import score_interval
from oreline.evaluate.table import Table
from oreline.report.report import Report
from oreline.tasks.text_classification import Task


def test_a_model_that_is_as_good_passes(make_pair):
    verdict = gate(*make_pair(20, 20, 5000), max_drop=0.01)
    assert verdict.decision == "passed"
    assert verdict.rows_needed is None
    assert verdict.checks[0].difference.low >= -0.01
    assert verdict.sentence.startswith("passed: accuracy on all rows (n=5,000) changes by +0.0000")


def test_a_model_that_is_clearly_worse_is_refused(make_pair):
    verdict = gate(*make_pair(10, 90, 2000))
    assert verdict.decision == "refused"
    assert verdict.checks[0].difference.high < -0.005
    assert verdict.sentence.startswith("refused")


def test_too_few_rows_leave_it_undecided_and_say_how_many_would_do(make_pair):
    verdict = gate(*make_pair(5, 5, 200))
    assert verdict.decision == "undecided"
    assert verdict.rows_needed is not None
    assert verdict.rows_needed > 200
    assert f"about {verdict.rows_needed:,} rows would decide" in verdict.sentence


def test_the_number_of_rows_that_it_asks_for_decides_four_times_in_five(make_pair):
    """Samples of that size from models that differ as the first ones do."""
    verdict = gate(*make_pair(15, 15, 1000), max_drop=0.01)
    assert verdict.decision == "undecided"
    samples = np.random.default_rng(0).multinomial(verdict.rows_needed, [0.015, 0.015, 0.97], size=400).tolist()
    lows = [score_interval(gains, losses, verdict.rows_needed)[0] for gains, losses, _ in samples]
    assert 0.75 <= np.mean([low >= -0.01 for low in lows]) <= 0.9


def test_at_the_bound_no_number_of_rows_is_in_sight(make_pair):
    verdict = gate(*make_pair(0, 1, 200), max_drop=0.005)
    assert (verdict.decision, verdict.rows_needed) == ("undecided", None)
    assert "no number of rows" in verdict.sentence


def test_the_same_answer_on_every_row_passes_on_however_few_rows(make_pair):
    verdict = gate(*make_pair(0, 0, 40, right=30))
    assert verdict.decision == "passed"
    assert verdict.checks[0].difference.value == 0
    assert "same answer on all 40 rows (a drop of 0.0876 could have been missed)" in verdict.sentence


def test_different_mistakes_are_not_the_same_answer():
    targets_N, ids = np.zeros(40, dtype=np.int64), [str(row) for row in range(40)]
    before = Table(Task(labels=["a", "b", "c"]), targets_N, np.eye(3)[[0] * 30 + [1] * 10], ids, ids)
    after = Table(Task(labels=["a", "b", "c"]), targets_N, np.eye(3)[[0] * 30 + [2] * 10], ids, ids)
    assert gate(before, after).decision == "undecided"


def test_a_class_that_breaks_refuses_a_model_that_is_as_good_overall():
    # Class a loses 40 of its 200 rows, class b wins 40 of its 2,000: the accuracy is the same.
    targets_N = np.array([0] * 200 + [1] * 2000)
    before_N = np.array([0] * 200 + [0] * 40 + [1] * 1960)
    after_N = np.array([1] * 40 + [0] * 160 + [1] * 2000)
    ids = [str(row) for row in range(2200)]
    tables = [
        Table(Task(labels=["a", "b"]), targets_N, np.eye(2)[predicted], ids, ids) for predicted in (before_N, after_N)
    ]
    verdict = gate(*tables, max_drop=0.02)
    assert verdict.checks[0].decision == "passed"
    assert verdict.decision == "refused"
    [broken] = [check for check in verdict.checks if check.decision == "refused"]
    assert broken.name == "class a"
    assert broken.p_worse < ALPHA
    assert "on class a (n=200)" in verdict.sentence


def test_a_slice_that_breaks_refuses_and_a_tiny_one_does_not(make_pair):
    # Rows 60 to 119 are the losses: all in the slice.
    of_row = ["shop"] * 60 + ["hotel"] * 60 + ["shop"] * 5880
    verdict = gate(*make_pair(60, 60, 6000, slices={"place": of_row}), max_drop=0.01)
    assert verdict.decision == "refused"
    assert [check.name for check in verdict.checks if check.decision == "refused"] == ["place = hotel"]
    tiny = ["shop"] * 60 + ["hotel"] * 20 + ["shop"] * 5920
    verdict = gate(*make_pair(60, 60, 6000, slices={"place": tiny}), max_drop=0.01)
    assert "place = hotel" not in [check.name for check in verdict.checks]
    assert verdict.decision == "passed"


def test_many_equal_classes_do_not_refuse_by_chance():
    """Two equally good models, 20 classes, no drop allowed: without correction 2 of 5 runs would refuse one."""
    refused = 0
    targets_N = np.repeat(np.arange(20), 100)
    ids = [str(row) for row in range(2000)]
    for seed in range(20):
        source = np.random.default_rng(seed)

        wrong_2N = source.random((2, 2000)) < 0.2
        answers_2N = np.where(wrong_2N, (targets_N + 1) % 20, targets_N)
        before, after = (
            Table(Task(labels=[*"abcdefghijklmnopqrst"]), targets_N, np.eye(20)[a], ids, ids) for a in answers_2N
        )
        verdict = gate(before, after, max_drop=0.0)
        refused += any(check.decision == "refused" for check in verdict.checks[1:])
    assert refused <= 2


class TestFresh:
    def test_better_on_fresh_rows_passes(self, make_pair):
        verdict = gate(*make_pair(20, 20, 5000), max_drop=0.01, fresh=make_pair(40, 5, 300))
        assert verdict.decision == "passed"
        assert [check.name for check in verdict.checks[:2]] == ["all rows", "fresh rows"]

    def test_worse_on_fresh_rows_is_refused(self, make_pair):
        assert gate(*make_pair(20, 20, 5000), max_drop=0.01, fresh=make_pair(5, 40, 300)).decision == "refused"

    def test_no_better_is_undecided_even_if_nothing_is_worse(self, make_pair):
        same = gate(*make_pair(0, 0, 5000), fresh=make_pair(0, 0, 300))
        assert (same.decision, same.rows_needed) == ("undecided", None)
        a_little = gate(*make_pair(0, 0, 5000), fresh=make_pair(6, 2, 300))
        assert a_little.decision == "undecided"
        assert a_little.rows_needed is not None
        assert a_little.rows_needed > 300
        assert "fresh rows (n=300)" in a_little.sentence
        assert f"about {a_little.rows_needed:,} fresh rows would decide" in a_little.sentence

    def test_better_on_fresh_rows_does_not_buy_a_drop_on_the_old(self, make_pair):
        assert gate(*make_pair(10, 90, 2000), fresh=make_pair(80, 0, 300)).decision == "refused"


def test_rows_that_only_one_model_predicted_are_no_part_of_it(make_pair):
    before, after = make_pair(10, 10, 1000)
    verdict = gate(before.take(np.arange(900)), after.take(np.arange(100, 1000)))
    assert verdict.checks[0].difference.n == 800


def test_tables_of_other_rows_are_refused(make_pair):
    before, after = make_pair(1, 1, 10)
    elsewhere = Table(after.task, after.targets, after.scores, [f"g:{r}" for r in range(10)], after.texts)
    with pytest.raises(DataError, match="no row in common"):
        gate(before, elsewhere)


@pytest.mark.parametrize("max_drop", [-0.01, 1.0, float("nan")])
def test_a_bound_that_makes_no_sense_is_refused(make_pair, max_drop: float):
    with pytest.raises(UsageError, match="max_drop"):
        gate(*make_pair(1, 1, 10), max_drop=max_drop)


def test_a_bound_of_zero_allows_no_drop(make_pair):
    assert gate(*make_pair(60, 20, 2000), max_drop=0.0).decision == "passed"
    assert gate(*make_pair(20, 20, 2000), max_drop=0.0).decision == "undecided"


def test_the_verdict_goes_into_a_report_and_comes_back(make_pair, tmp_path):
    verdict = gate(*make_pair(5, 5, 200), fresh=make_pair(6, 2, 100))
    report = Report("compress", "t", tables=verdict.to_tables(), facts={"decision": verdict.decision})
    report.save(tmp_path)
    table = Report.open(tmp_path / "report.json").tables[0]
    assert table.title == "Gate: undecided"
    assert table.note == verdict.sentence
    assert [row[0] for row in table.rows][:2] == ["all rows", "fresh rows"]
    assert {"macro_f1", "log_loss", "ece"} <= {row[0] for row in verdict.to_tables()[1].rows}


def test_the_verdict_is_the_same_under_a_seed(make_pair):
    assert gate(*make_pair(5, 9, 200), seed=1) == gate(*make_pair(5, 9, 200), seed=1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_rejects_what_the_step_down_method_rejects(p_values: list[float]):
    """Oracle: go through the p-values from the smallest, stop at the first that is too large."""
    alpha, rejected = 0.05, set()
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[index] > alpha / (len(p_values) - rank):
            break
        rejected.add(index)
    adjusted = holm(p_values)
    found = {index for index, p in enumerate(adjusted) if p <= alpha}
    borderline = {i for i, p in enumerate(adjusted) if abs(p - alpha) < 1e-12}
    assert found - borderline == rejected - borderline
