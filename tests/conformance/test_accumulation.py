"""A step that is cut into uneven passes is the step in one pass: each kind of task, each loss, some methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.conformance.test_resume import METHODS, STARTS, TASKS, dataset
from tests.train.test_frozen import ROWS

import oreline as ore
from oreline import registry
from oreline.data.dataset import Dataset

LOSSES: list[dict[str, Any]] = [
    {"class_weights": "balanced"},
    {"class_weights": "effective"},
    {"label_smoothing": 0.2},
    {"focal_gamma": 2.0},
    # r_drop draws what is dropped for each pass, and awp moves the weights in each.
    *({"regularizers": [name]} for name in registry.names("regularizer") if name not in ("r_drop", "awp")),
]
CASES = [
    *(("full", task, {}) for task in [*TASKS, "question_answering", *STARTS]),
    *(("full", "text_classification", options) for options in LOSSES),
    ("full", "chat", {"packing": True, "max_tokens": 64, "rows_per_step": 4}),
    ("adalora", "text_classification", {}),
    ("prompt", "text_classification", {}),
]


def rows_of(task: str, folder: Path) -> Dataset:
    """Return rows of many lengths, so that passes of so many tokens have few or many of them."""
    if task == "question_answering":
        return ore.refine(ROWS[task], operators=[], split={}, out=folder)
    return dataset(task, folder)


def losses(method: str, task: str, start: Path, data: Dataset, out: Path, changes: dict[str, Any]) -> list[float]:
    """Train a few steps; returns the loss of each."""
    seen: list[Any] = []
    settings = {"epochs": 2, "rows_per_step": 8, "threads": 1, "learning_rate": 1e-3, "precision": "fp32"}
    ore.finetune(
        str(start),
        data,
        task=task,
        method=method,
        method_options=METHODS.get(method, {}),
        train={**settings, "dropout": 0.0, **changes},
        out=out,
        on_event=seen.append,
    )
    return [event.values["loss"] for event in seen if event.stage == "train" and "loss" in event.values]


@pytest.mark.parametrize(("method", "task", "changes"), CASES)
def test_a_step_in_uneven_passes_is_the_step_in_one(
    method: str, task: str, changes: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
):
    data = rows_of(task, tmp_path / "data")
    start = request.getfixturevalue(STARTS.get(task, "tiny_start"))
    whole, parts = (
        losses(method, task, start, data, tmp_path / str(tokens), {"token_budget": tokens, **changes})
        for tokens in (4096, 20)
    )
    assert len(whole) >= 6
    assert parts == pytest.approx(whole, abs=1e-5)
    assert parts != whole, "passes were cut: their sums are rounded otherwise"
