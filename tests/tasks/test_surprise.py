"""How improbable the truth is: by hand, and that it falls as the truth becomes more probable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.conformance.test_tasks import TARGETS, build

from oreline import registry
from oreline.runtime.windows import ragged
from oreline.tasks.surprise import nats, of_words


def test_what_is_impossible_stays_finite() -> None:
    assert nats(np.zeros(3)) == pytest.approx(-np.log(1e-30))


def test_words_of_all_rows_count_alike_and_unknown_tags_do_not() -> None:
    scores = ragged([np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([[1.0, 0.0]])])
    targets = ragged([np.array([0, 1]), np.array([2])])
    assert of_words(targets, scores) == pytest.approx(-(np.log(0.5) + np.log(0.75)) / 2)
    assert of_words(ragged([]), ragged([])) == 0.0


@pytest.mark.parametrize(
    "name", [name for name in registry.names("task") if hasattr(registry.get("task", name), "surprise")]
)
def test_it_is_nothing_for_the_truth_and_falls_towards_it(name: str) -> None:
    task: Any = build(name)
    contexts = {"text_pair": ["good film", "x", "a", "这部电影好看"], "text": ["?"] * 4}
    task = task.reading(contexts) if hasattr(task, "reading") else task
    targets = task.encode_target(TARGETS[task.view])
    sure = [_certain(task, target) for target in targets]
    found = []
    for share in (1.0, 0.9, 0.5, 0.1):
        rows = [share * row + (1 - share) * 0.2 for row in sure]
        found.append(task.surprise(targets, ragged(rows) if task.view != "labels" else np.stack(rows)))
    assert found[0] == pytest.approx(0.0, abs=1e-9)
    assert found == sorted(found)
    assert found[1] > 0


def _certain(task: Any, target: Any) -> Any:
    """Scores that say of one row what is true."""
    if task.view == "labels":
        return np.asarray(target, dtype=np.float64)
    if task.view == "answers":
        scores_W2 = np.zeros((8, 2))
        first, last = (target[0].first, target[0].last) if target else (-1, -1)
        scores_W2[1 + first, 0] = scores_W2[1 + last, 1] = 1.0
        return scores_W2
    return np.eye(len(task.labels))[target]
