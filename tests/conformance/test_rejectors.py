"""What every rejector keeps to. A new file in `rejectors/` is tested here without a line of its own."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from oreline import registry
from oreline.errors import DataError
from oreline.tasks.text_classification import Task
from oreline.types import Signals

REJECTORS = registry.names("rejector")


def rows(num_rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets of three classes and, as class 3, of none; logits and embeddings that tell them apart in most rows."""
    source = np.random.default_rng(seed)
    targets_N = source.integers(4, size=num_rows)
    logits_NK = source.normal(size=(num_rows, 4))
    logits_NK[np.arange(num_rows), targets_N] += 4
    embedding_ND = source.normal(size=(num_rows, 6)) * 0.5
    inside = np.flatnonzero(targets_N < 3)
    embedding_ND[inside, targets_N[inside]] += 3
    return targets_N, logits_NK.astype(np.float32), embedding_ND.astype(np.float32)


def signals(num_rows: int, seed: int = 0) -> Signals:
    _, logits_NK, embedding_ND = rows(num_rows, seed)
    return Signals(logits_NK[:, :3], logits_NK[:, 3], embedding_ND)


def memory(rejector: Any) -> dict[str, np.ndarray]:
    if not rejector.reads_embedding:
        return {}
    targets_N, _, embedding_ND = rows(200)
    found: dict[str, np.ndarray] = rejector.remember(embedding_ND[targets_N < 3], targets_N[targets_N < 3])
    return found


def test_there_are_rejectors() -> None:
    assert {"softmax", "energy", "distance", "trained"} <= set(REJECTORS)


@pytest.mark.parametrize("name", REJECTORS)
class TestRejector:
    def test_has_the_options_of_all(self, name: str) -> None:
        plug = registry.get("rejector", name)
        assert {"label", "keep", "max_loss"} <= {option.name for option in registry.options_of(plug)}
        assert not [option for option in registry.options_of(plug) if option.required]

    @pytest.mark.parametrize("num_rows", [1, 50])
    def test_says_a_finite_distance_of_each_row_in_any_company(self, name: str, num_rows: int) -> None:
        rejector = registry.create("rejector", name)
        given, kept = signals(num_rows), memory(rejector)
        far_N = rejector.far(given, kept)
        assert far_N.shape == (num_rows,)
        assert np.isfinite(far_N).all()
        alone = Signals(given.inside_NK[:1], given.outside_N[:1], given.embedding_ND[:1])
        np.testing.assert_allclose(rejector.far(alone, kept), far_N[:1], rtol=1e-6)

    def test_remembers_arrays_that_safetensors_takes(self, name: str) -> None:
        for array in memory(registry.create("rejector", name)).values():
            assert array.dtype == np.float32
            assert array.flags.c_contiguous

    def test_ranks_rows_of_no_class_behind_the_others(self, name: str) -> None:
        rejector = registry.create("rejector", name)
        targets_N, *_ = rows(300, seed=1)
        far_N = rejector.far(signals(300, seed=1), memory(rejector))
        assert np.median(far_N[targets_N == 3]) > np.median(far_N[targets_N < 3])

    def test_its_threshold_holds_on_new_rows_and_survives_json(self, name: str) -> None:
        reject = {"rejector": name, "options": {"label": "none"}}
        task = Task(labels=["a", "b", "c", "none"], temperature=1.0, reject=reject)
        task = task.holding(memory(task.scope.rejector)).fitted(*rows(300, seed=1))
        rebuilt = registry.create("task", "text_classification", **json.loads(json.dumps(task.options)))
        rebuilt = rebuilt.holding(dict(task.arrays))
        targets_N, *outputs = rows(300, seed=2)
        answers = rebuilt.predicted(rebuilt.activate(*outputs))
        np.testing.assert_array_equal(answers, task.predicted(task.activate(*outputs)))
        assert (answers[targets_N == 3] == 3).mean() > 0.5
        assert (answers[targets_N < 3] == targets_N[targets_N < 3]).mean() > 0.5

    def test_needs_its_label_and_two_classes(self, name: str) -> None:
        for labels in (["a", "b", "c"], ["a", "none"]):
            with pytest.raises(DataError, match="two classes or more, and 'none'"):
                Task(labels=labels, reject={"rejector": name, "options": {"label": "none"}})
