"""Entity figures against seqeval on repeated rows."""

from __future__ import annotations

import numpy as np
import pytest
from seqeval.metrics import f1_score, precision_score, recall_score

from oreline.evaluate.table import Table
from oreline.metrics.entity_f1 import Metric
from oreline.runtime.windows import ragged
from oreline.tasks.token_classification import Task

TAGS = ["O", "B-X", "I-X", "B-Y", "I-Y"]


def tagged(num_rows: int, seed: int) -> Table:
    """A table of random valid tags, and answers that are often the same."""
    source = np.random.default_rng(seed)
    task = Task(labels=TAGS)
    lengths = source.integers(0, 7, size=num_rows)
    random = ragged([source.random((length, 5)).astype(np.float32) for length in lengths])
    targets = task.predicted(random)
    scores = ragged([
        (np.eye(5, dtype=np.float32)[true] + source.random((len(true), 5)) * 1.4).astype(np.float32) for true in targets
    ])  # fmt: skip
    names = [f"f:{row}" for row in range(num_rows)]
    return Table(task, targets, scores, names, names)


@pytest.mark.parametrize("seed", range(5))
def test_equal_seqeval_on_repeated_rows(seed: int) -> None:
    table = tagged(30, seed)
    weights_RN = np.random.default_rng(seed).integers(0, 3, size=(3, 30))
    found = Metric().values(table, weights_RN.astype(float))
    for resample, weights_N in enumerate(weights_RN):
        rows = np.repeat(np.arange(30), weights_N)
        true, given = ([[TAGS[tag] for tag in side[row]] for row in rows] for side in (table.targets, table.predicted))
        for name, theirs in (("f1", f1_score), ("precision", precision_score), ("recall", recall_score)):
            assert found[f"entity_{name}"][resample] == pytest.approx(theirs(true, given))


def test_without_entities_nothing_is_defined() -> None:
    task = Task(labels=TAGS)
    scores = ragged([np.eye(5, dtype=np.float32)[[0, 0]]])
    values = Metric().values(Table(task, task.predicted(scores), scores, ["f:1"], ["f:1"]), np.ones((1, 1)))
    assert all(np.isnan(value[0]) for value in values.values())


def test_a_tag_that_training_never_saw_is_missed() -> None:
    task = Task(labels=TAGS)
    scores = ragged([np.eye(5, dtype=np.float32)[[1, 0]]])
    table = Table(task, task.encode_judged([["B-X", "B-Z"]]), scores, ["f:1"], ["f:1"])
    values = {name: value[0] for name, value in Metric().values(table, np.ones((1, 1))).items()}
    assert values == pytest.approx({"entity_f1": 2 / 3, "entity_precision": 1.0, "entity_recall": 0.5})
