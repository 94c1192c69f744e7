"""What every metric keeps to. A new file in `metrics/` is tested here without a line of its own."""

from __future__ import annotations

import numpy as np
import pytest

from oreline import registry
from oreline.evaluate.estimates import estimates
from oreline.evaluate.table import Table

METRICS = registry.names("metric")


def table_of(num_rows: int, num_classes: int = 3, seed: int = 0) -> Table:
    """Random answers of a model that is right more often than not."""
    source = np.random.default_rng(seed)
    targets_N = source.integers(num_classes, size=num_rows)
    scores_NK = source.random((num_rows, num_classes)) + 0.4 * np.eye(num_classes)[targets_N]
    scores_NK /= scores_NK.sum(axis=1, keepdims=True)
    ids = [f"f:{row}" for row in range(num_rows)]
    return Table(tuple("abc"[:num_classes]), targets_N, scores_NK, ids, ids)


def test_there_are_metrics() -> None:
    assert {"accuracy", "f1", "per_class", "log_loss", "ece"} <= set(METRICS)


@pytest.mark.parametrize("name", METRICS)
class TestMetric:
    def test_says_which_direction_is_better(self, name: str) -> None:
        assert isinstance(registry.get("metric", name).higher_is_better, bool)
        kind = getattr(registry.get("metric", name), "interval", "percentile")
        assert kind in {"percentile", "share", "basic"}

    def test_a_weight_is_the_number_of_times_a_row_stands_there(self, name: str) -> None:
        table, metric = table_of(25), registry.create("metric", name)
        weights_N = np.random.default_rng(1).integers(0, 4, size=25)
        repeated = table.take(np.repeat(np.arange(25), weights_N))
        weighted = metric.values(table, weights_N[None].astype(float))
        written_out = metric.values(repeated, np.ones((1, repeated.num_rows)))
        assert weighted.keys() == written_out.keys()
        for figure in weighted:
            np.testing.assert_allclose(weighted[figure], written_out[figure])

    def test_one_value_for_each_resample_each_on_its_own(self, name: str) -> None:
        table, metric = table_of(25), registry.create("metric", name)
        weights_RN = np.random.default_rng(2).integers(0, 3, size=(5, 25)).astype(float)
        together = metric.values(table, weights_RN)
        for figure, values_R in together.items():
            assert values_R.shape == (5,)
            alone = [metric.values(table, weights_RN[[row]])[figure][0] for row in range(5)]
            np.testing.assert_allclose(values_R, alone)

    def test_the_order_of_rows_changes_nothing(self, name: str) -> None:
        table, metric = table_of(25), registry.create("metric", name)
        shuffled = table.take(np.random.default_rng(3).permutation(25))
        first, second = (metric.values(each, np.ones((1, 25))) for each in (table, shuffled))
        for figure in first:
            np.testing.assert_allclose(first[figure], second[figure])

    def test_changes_nothing_that_it_is_given(self, name: str) -> None:
        table, weights_RN = table_of(25), np.ones((2, 25))
        before = table.scores_NK.copy(), table.targets_N.copy()
        registry.create("metric", name).values(table, weights_RN)
        np.testing.assert_array_equal(before[0], table.scores_NK)
        np.testing.assert_array_equal(before[1], table.targets_N)
        assert (weights_RN == 1).all()

    @pytest.mark.parametrize("num_rows", [0, 1, 300])
    def test_survives_empty_one_and_many_rows(self, name: str, num_rows: int) -> None:
        table = table_of(num_rows)
        values = registry.create("metric", name).values(table, np.ones((1, num_rows)))
        assert values
        for values_R in values.values():
            assert values_R.shape == (1,)
            assert num_rows < 300 or np.isfinite(values_R).all()

    def test_estimates_hold_the_figure_and_are_deterministic_under_a_seed(self, name: str) -> None:
        table = table_of(60)
        first, again, other = (estimates(table, [name], resamples=200, seed=seed) for seed in (4, 4, 5))
        assert first == again
        assert first != other
        for estimate in first.values():
            assert estimate.low <= estimate.value <= estimate.high
            assert 0 < estimate.n <= 60

    def test_works_without_options(self, name: str) -> None:
        assert not [option for option in registry.options_of(registry.get("metric", name)) if option.required]
