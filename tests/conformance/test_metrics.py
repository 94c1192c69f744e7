"""What every metric keeps to. A new file in `metrics/` is tested here without a line of its own."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from oreline import registry
from oreline.evaluate.estimates import estimates
from oreline.evaluate.table import Table
from oreline.runtime.windows import ragged
from oreline.tasks import (
    embedding,
    intent_slots,
    multilabel,
    question_answering,
    regression,
    seq2seq,
    text_classification,
    token_classification,
)
from oreline.types import Written

METRICS = registry.names("metric")


def classes(num_rows: int, seed: int) -> Table:
    """One of three classes, right more often than not."""
    source = np.random.default_rng(seed)
    targets_N = source.integers(3, size=num_rows)
    scores_NK = source.random((num_rows, 3)) + 0.4 * np.eye(3)[targets_N]
    scores_NK /= scores_NK.sum(axis=1, keepdims=True)
    ids = [f"f:{row}" for row in range(num_rows)]
    task = text_classification.Task(labels=[*"abc"], reject={"rejector": "energy", "options": {"label": "c"}})
    return Table(task, targets_N, scores_NK, ids, ids)


def labels(num_rows: int, seed: int) -> Table:
    """Any of three labels, in steps of a tenth so that scores tie, right more often than not."""
    source = np.random.default_rng(seed)
    targets_NK = source.integers(2, size=(num_rows, 3)).astype(np.float32)
    scores_NK = (source.integers(8, size=(num_rows, 3)) + 2 * targets_NK) / 10
    ids = [f"f:{row}" for row in range(num_rows)]
    return Table(multilabel.Task(labels=[*"abc"]), targets_NK, scores_NK, ids, ids)


def numbers(num_rows: int, seed: int) -> Table:
    """A number, in halves so that numbers tie, and predictions near it."""
    source = np.random.default_rng(seed)
    targets_N = np.round(2 * source.normal(size=num_rows)) / 2
    scores_N1 = (targets_N + np.round(2 * source.normal(size=num_rows)) / 4)[:, None]
    ids = [f"f:{row}" for row in range(num_rows)]
    return Table(regression.Task(mean=50, spread=4), targets_N, scores_N1, ids, ids)


def tags(num_rows: int, seed: int) -> Table:
    """Tags for rows of words, right more often than not."""
    source = np.random.default_rng(seed)
    task = token_classification.Task(labels=["O", "B-x", "I-x", "B-y", "I-y"])
    drawn = [source.random((length, 5)).astype(np.float32) for length in source.integers(0, 6, size=num_rows)]
    targets = task.predicted(ragged(drawn))
    scores = [(1.7 * source.random((len(row), 5)) + np.eye(5)[row]).astype(np.float32) for row in targets]
    ids = [f"f:{row}" for row in range(num_rows)]
    return Table(task, targets, ragged(scores), ids, ids)


def frames(num_rows: int, seed: int) -> Table:
    """An intent and tags, right more often than not."""
    source = np.random.default_rng(seed)
    task = intent_slots.Task(intents=["go", "stop"], tags=["O", "B-x", "I-x"])
    drawn = [source.random((1 + length, 5)).astype(np.float32) for length in source.integers(0, 6, size=num_rows)]
    targets = task.predicted(ragged(drawn))
    for row in targets:
        row[0] = source.integers(3, 5)
    scores = [(1.5 * source.random((len(row), 5)) + np.eye(5)[row]).astype(np.float32) for row in targets]
    ids = [f"f:{row}" for row in range(num_rows)]
    return Table(task, targets, ragged(scores), ids, ids)


def texts(num_rows: int, seed: int) -> Table:
    """Sentences, and others with some of the same words."""
    source = np.random.default_rng(seed)
    true = [
        " ".join(source.choice(["the", "cat", "sat", "on", "mat"], size=length))
        for length in source.integers(1, 7, num_rows)
    ]
    answers = [" ".join(word for word in text.split() if source.random() < 0.8) for text in true]
    ids = [f"f:{row}" for row in range(num_rows)]
    tokens_N = np.asarray([len(text.split()) for text in true], dtype=np.int64)
    costs = (source.random(num_rows) * tokens_N, tokens_N)
    scores = ragged([Written((text,), (0.5,)) for text in answers])
    return Table(seq2seq.Task(), ragged(true), scores, ids, ids, costs=costs)


def found(num_rows: int, seed: int) -> Table:
    """Queries with the ranks of none to three relevant texts each, by two sizes."""
    source = np.random.default_rng(seed)
    ranks = [1.0 + source.permutation(30)[: source.integers(4)] for _ in range(num_rows)]
    scores = [np.stack([ranks_W, ranks_W[::-1]], axis=1) for ranks_W in ranks]
    ids = [f"f:{row}" for row in range(num_rows)]
    targets = ragged([("a text",) * len(ranks_W) for ranks_W in ranks])
    return Table(embedding.Task(sizes=[4, 2]), targets, ragged(scores), ids, ids)


def answers(num_rows: int, seed: int) -> Table:
    """Spans of a text of eight words, or none, right or nearly so more often than not."""
    source = np.random.default_rng(seed)
    task = question_answering.Task(max_answer_words=4, threshold=0.0)
    columns = {"text": ["?"] * num_rows, "text_pair": ["one two three four five six seven eight"] * num_rows}
    drawn = [source.random((9, 2)).astype(np.float32) for _ in range(num_rows)]
    targets = task.reading(columns).predicted(ragged(drawn))
    scores = [(row + source.random((9, 2)) / 3).astype(np.float32) for row in drawn]
    ids = [f"f:{row}" for row in range(num_rows)]
    return Table(task, targets, ragged(scores), ids, ids, columns=columns)


TABLES = {
    "texts": texts,
    "classes": classes,
    "labels": labels,
    "numbers": numbers,
    "tags": tags,
    "frames": frames,
    "retrieval": found,
    "answers": answers,
}


def table_of(name: str, num_rows: int, seed: int = 0) -> Table:
    """Random answers of the kind that a metric measures."""
    return TABLES[view_of(name)](num_rows, seed)


def view_of(name: str) -> str:
    """The view that a metric names; `classes` if it names none."""
    return getattr(registry.get("metric", name), "view", "classes")


def test_there_are_metrics() -> None:
    assert {"accuracy", "f1", "per_class", "log_loss", "ece"} <= set(METRICS)
    assert {"micro_f1", "subset_accuracy", "ranking"} <= set(METRICS)
    assert {"r2", "mae", "pearson", "spearman"} <= set(METRICS)


def test_every_view_has_metrics_and_a_table_here() -> None:
    assert set(registry.names("view")) == set(TABLES) == set(map(view_of, METRICS))


@pytest.mark.parametrize("name", registry.names("task"))
def test_a_task_is_measured_by_metrics_of_its_own_view(name: str) -> None:
    task = registry.get("task", name)
    assert {view_of(metric) for metric in task.metrics} == {task.view}


@pytest.mark.parametrize("name", METRICS)
class TestMetric:
    def test_says_which_direction_is_better(self, name: str) -> None:
        assert isinstance(registry.get("metric", name).higher_is_better, bool)
        kind = getattr(registry.get("metric", name), "interval", "percentile")
        assert kind in {"percentile", "share", "basic"}

    def test_a_weight_is_the_number_of_times_a_row_stands_there(self, name: str) -> None:
        table, metric = table_of(name, 25), registry.create("metric", name)
        weights_N = np.random.default_rng(1).integers(0, 4, size=25)
        repeated = table.take(np.repeat(np.arange(25), weights_N))
        weighted = metric.values(table, weights_N[None].astype(float))
        written_out = metric.values(repeated, np.ones((1, repeated.num_rows)))
        assert weighted.keys() == written_out.keys()
        for figure in weighted:
            np.testing.assert_allclose(weighted[figure], written_out[figure])

    def test_one_value_for_each_resample_each_on_its_own(self, name: str) -> None:
        table, metric = table_of(name, 25), registry.create("metric", name)
        weights_RN = np.random.default_rng(2).integers(0, 3, size=(5, 25)).astype(float)
        together = metric.values(table, weights_RN)
        for figure, values_R in together.items():
            assert values_R.shape == (5,)
            alone = [metric.values(table, weights_RN[[row]])[figure][0] for row in range(5)]
            np.testing.assert_allclose(values_R, alone)

    def test_the_order_of_rows_changes_nothing(self, name: str) -> None:
        table, metric = table_of(name, 25), registry.create("metric", name)
        shuffled = table.take(np.random.default_rng(3).permutation(25))
        first, second = (metric.values(each, np.ones((1, 25))) for each in (table, shuffled))
        for figure in first:
            np.testing.assert_allclose(first[figure], second[figure])

    def test_changes_nothing_that_it_is_given(self, name: str) -> None:
        table, weights_RN = table_of(name, 25), np.ones((2, 25))
        before = copy.deepcopy((table.scores, table.targets))
        registry.create("metric", name).values(table, weights_RN)
        for old, new in zip(before, (table.scores, table.targets)):
            for old_row, new_row in zip(old, new, strict=True):
                np.testing.assert_array_equal(old_row, new_row)
        assert (weights_RN == 1).all()

    @pytest.mark.parametrize("num_rows", [0, 1, 300])
    def test_survives_empty_one_and_many_rows(self, name: str, num_rows: int) -> None:
        table = table_of(name, num_rows)
        values = registry.create("metric", name).values(table, np.ones((1, num_rows)))
        assert values
        for values_R in values.values():
            assert values_R.shape == (1,)
            assert num_rows < 300 or np.isfinite(values_R).all()

    def test_estimates_hold_the_figure_and_are_deterministic_under_a_seed(self, name: str) -> None:
        table = table_of(name, 60)
        first, again, *others = (estimates(table, [name], resamples=200, seed=seed) for seed in (4, 4, 5, 6, 7))
        assert first == again
        # A share of 60 rows has few values: two seeds may well have the same percentiles.
        assert any(first != other for other in others)
        for estimate in first.values():
            assert estimate.low <= estimate.value <= estimate.high
            assert 0 < estimate.n <= 60

    def test_works_without_options(self, name: str) -> None:
        assert not [option for option in registry.options_of(registry.get("metric", name)) if option.required]
