"""Figures and intervals: they agree with one another, with scikit-learn, and with repeated sampling."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from oreline.errors import DataError, UsageError
from oreline.evaluate.estimates import bootstrap_weights, estimates, point_values, wilson
from oreline.evaluate.table import Table
from oreline.evaluate.views.classes import confusion
from oreline.metrics.ece import reliability
from oreline.tasks.text_classification import Task

ALL = ["accuracy", "f1", "log_loss", "ece", "per_class"]


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 60), st.integers(2, 6), st.integers(0, 10_000), st.floats(0, 1))
def test_no_two_figures_contradict_each_other(make_table, num_rows: int, num_classes: int, seed: int, skill: float):
    table = make_table(num_rows, num_classes, seed, skill)
    found = estimates(table, ALL, resamples=20)
    value = {name: estimate.value for name, estimate in found.items()}
    matrix_KK = confusion(table)
    support = {label: int(rows) for label, rows in zip(table.labels, matrix_KK.sum(axis=1), strict=True)}
    assert value["accuracy"] == pytest.approx(matrix_KK.trace() / num_rows)
    assert value["weighted_recall"] == pytest.approx(value["accuracy"])
    assert sum(found[f"recall_{label}"].n for label in table.labels if support[label]) == num_rows
    assert sum(found[f"precision_{label}"].n for label in table.labels if f"precision_{label}" in found) == num_rows
    f1s = {label: value[f"f1_{label}"] for label in table.labels if f"f1_{label}" in value}
    assert value["macro_f1"] == pytest.approx(np.mean(list(f1s.values())))
    assert value["weighted_f1"] == pytest.approx(sum(support[label] * f1 for label, f1 in f1s.items()) / num_rows)
    for label in f1s:
        precision, recall = value.get(f"precision_{label}", 0.0), value.get(f"recall_{label}", 0.0)
        harmonic = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        assert f1s[label] == pytest.approx(harmonic)
    assert sum(reliability(table)["count"]) == num_rows
    for estimate in found.values():
        assert estimate.low <= estimate.value <= estimate.high
        assert 0 < estimate.n <= num_rows
        assert np.isfinite([estimate.low, estimate.high]).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 60), st.integers(2, 6), st.integers(0, 10_000))
def test_figures_equal_scikit_learn(make_table, num_rows: int, num_classes: int, seed: int):
    table = make_table(num_rows, num_classes, seed)
    found = estimates(table, ["accuracy", "f1"], resamples=5)
    assert found["accuracy"].value == pytest.approx(accuracy_score(table.targets, table.predicted))
    for average in ("macro", "weighted"):
        expected = f1_score(table.targets, table.predicted, average=average, zero_division=0)
        assert found[f"{average}_f1"].value == pytest.approx(expected)


def test_a_class_without_rows_is_left_out_rather_than_not_a_number():
    table = Table(Task(labels=["a", "b", "c"]), np.array([0, 1, 0, 1]), np.eye(3)[[0, 1, 1, 1]], list("wxyz"), [""] * 4)
    found = estimates(table, ["per_class", "f1"])
    assert "recall_c" not in found
    assert "precision_c" not in found
    assert "f1_c" not in found
    assert found["recall_a"].n == 2


def test_bootstrap_equals_drawing_rows_and_computing_afresh(make_table):
    table = make_table(40)
    found = estimates(table, ["f1"], resamples=300, seed=3)["macro_f1"]
    source = np.random.default_rng(3)
    draws = [source.integers(40, size=40) for _ in range(300)]
    slow = [f1_score(table.targets[rows], table.predicted[rows], average="macro", zero_division=0) for rows in draws]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])))


def test_weights_are_the_same_whatever_fits_into_memory(monkeypatch, make_table):
    whole = np.concatenate(list(bootstrap_weights(50, 20, seed=1)))
    # By module object: as an attribute, `oreline.evaluate` is the verb.
    monkeypatch.setattr(sys.modules["oreline.evaluate.estimates"], "_WEIGHTS_AT_ONCE", 150)
    parts = list(bootstrap_weights(50, 20, seed=1))
    assert len(parts) == 7
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert (whole.sum(axis=1) == 50).all()


def test_intervals_of_accuracy_and_f1_hold_the_truth_as_often_as_they_say(make_table):
    """250 samples of 150 rows from a population of known accuracy and F1: 95 % ± 4.5 % of the intervals hold them."""
    population = make_table(100_000, 3, 0, 0.4)
    truth = {name: e.value for name, e in estimates(population, ["accuracy", "f1"], resamples=2).items()}
    source = np.random.default_rng(1)
    held = dict.fromkeys(("accuracy", "macro_f1"), 0)
    for sample in range(250):
        rows = source.integers(population.num_rows, size=150)
        found = estimates(population.take(rows), ["accuracy", "f1"], resamples=200, seed=sample)
        for name in held:
            held[name] += found[name].low <= truth[name] <= found[name].high
    assert 0.905 <= held["accuracy"] / 250 <= 0.995
    assert 0.905 <= held["macro_f1"] / 250 <= 0.995


def test_the_basic_interval_takes_the_bias_out_of_the_ece():
    """An overconfident model, 300 rows at a time: the percentile interval would miss its true ECE nearly always."""
    source = np.random.default_rng(0)

    def sample(num_rows: int) -> Table:
        confidence_N = source.uniform(0.5, 1.0, num_rows)
        right_N = source.random(num_rows) < confidence_N - 0.04
        scores_NK = np.column_stack([confidence_N, 1 - confidence_N])
        return Table(Task(labels=["a", "b"]), np.where(right_N, 0, 1), scores_NK, [""] * num_rows, [""] * num_rows)

    held_basic = held_percentile = 0
    for number in range(100):
        table = sample(300)
        found = estimates(table, ["ece"], resamples=200, seed=number)["ece"]
        assert found.low >= 0
        held_basic += found.low <= 0.04 <= found.high
        # Mirrored back: the percentile interval of the same draws.
        held_percentile += 2 * found.value - found.high <= 0.04 <= 2 * found.value - found.low
    assert held_basic >= 85
    assert held_percentile <= 60


def test_all_right_on_few_rows_is_not_certainty():
    table = Table(
        Task(labels=["a", "b"]), np.array([0, 1] * 5), np.eye(2)[[0, 1] * 5], [str(row) for row in range(10)], [""] * 10
    )
    found = estimates(table, ["accuracy", "per_class"])
    assert found["accuracy"].value == 1.0
    assert found["accuracy"].low == pytest.approx(wilson(1.0, 10)[0])
    assert found["recall_a"].low == pytest.approx(wilson(1.0, 5)[0])
    assert found["recall_a"].high == 1.0


@given(st.integers(1, 500), st.integers(0, 500))
def test_wilson_equals_scipy(n: int, right: int):
    from scipy.stats import binomtest

    right = min(right, n)
    expected = binomtest(right, n).proportion_ci(method="wilson")
    assert wilson(right / n, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_a_table_without_rows_and_an_unknown_metric_are_refused(make_table):
    with pytest.raises(DataError, match="no rows"):
        estimates(make_table(3).take(np.arange(0)), ["accuracy"])
    with pytest.raises(UsageError, match="no metric named 'acuracy'") as caught:
        estimates(make_table(3), ["acuracy"])
    assert "did you mean 'accuracy'" in caught.value.allowed


def test_point_values_are_the_figures_of_the_estimates(make_table):
    table = make_table(50, 2)
    task = Task(labels=table.labels)
    found = estimates(table, task.metrics, resamples=2)
    points = point_values(task, table.targets, {"scores": table.scores})
    assert points == {name: estimate.value for name, estimate in found.items()}
    assert next(iter(points)) == "accuracy"
