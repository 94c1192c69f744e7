"""A run that is interrupted at a random step ends in the bytes of the run that is not: each method, each kind of task.

Which step it is follows from the names of method and task, so that a failure comes again; together they differ.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import oreline as ore
from oreline import registry
from oreline.data.dataset import Dataset
from oreline.store import Artifact

NUM_ROWS, NUM_STEPS = 32, 8
TARGETS: dict[str, list[Any]] = {
    "classes": ["x", "y"],
    "labels": [["x"], ["x", "y"]],
    "numbers": [1.0, 2.5],
    "tags": [["O", "B-X", "O"], ["B-Y", "I-Y", "O"]],
    "frames": [["O", "B-X", "O"], ["B-Y", "I-Y", "O"]],
}
"""What two rows in turn are labelled with, by the view of the task."""
STARTS = {"seq2seq": "tiny_t5", "chat": "tiny_llama"}
"""Fixtures of the start models that write; all others begin with an encoder."""
WORDS = [["the", "great", "film"], ["awful", "dull", "plot"]]
METHODS: dict[str, dict[str, Any]] = {
    "full": {},
    "lora": {"dropout": 0.1},
    "contrastive": {"steps": NUM_STEPS},
    "prompt": {"pattern": "{text} very [MASK]", "words": {"x": "great", "y": "awful"}},
}
"""Methods that make steps; what has none is computed anew after an interruption (`tests/train/test_finetune.py`)."""
TASKS = [name for name in registry.names("task") if registry.get("task", name).view in TARGETS]
EVERYWHERE = [("full", task) for task in TASKS]
ELSEWHERE = [
    ("lora", "token_classification"),
    ("lora", "regression"),
    ("full-frozen", "pair"),
    ("full-extras", "multilabel"),
    ("full", "seq2seq"),
    ("full-packed", "chat"),
    ("lora", "chat"),
    ("prompt-frozen", "text_classification"),
]
OF_CLASSES = [(method, "text_classification") for method in METHODS if method != "full"]
EXTRAS: dict[str, dict[str, Any]] = {
    "full-packed": {"train": {"packing": True, "max_tokens": 64, "rows_per_step": 3, "dev_texts": 0}},
    "full-frozen": {"method_options": {"freeze_layers": 1}},
    "prompt-frozen": {"method_options": {"freeze_layers": 1}},
    "full-extras": {"train": {"regularizers": ["ema", "r_drop"], "token_budget": 24, "gradient_checkpointing": True}},
}


class Interrupted(Exception):
    """Stands for Ctrl-C at a moment that the test chooses."""


def dataset(task: str, folder: Path) -> Dataset:
    """Return rows of a task, of many lengths, without dev: then every step's weights are the end's."""
    plug = registry.get("task", task)
    texts = [[*WORDS[row % 2], *["very"] * (row % 5)] for row in range(NUM_ROWS)]
    marks = [TARGETS.get(plug.view, ["x", "y"])[row % 2] for row in range(NUM_ROWS)]
    made: dict[str, Any] = {role: [" ".join(words) for words in texts] for role in plug.inputs}
    if plug.view in ("tags", "frames"):
        made = {"text": texts, "tags": [tags + ["O"] * (len(row) - 3) for row, tags in zip(texts, marks)]}
    else:
        made[plug.target] = marks
    if hasattr(plug, "fault"):
        made["text"] = [f"<e1>{text}</e1> and <e2>it</e2>" for text in made["text"]]
    if plug.view == "frames":
        made["label"] = [["go", "stop"][row % 2] for row in range(NUM_ROWS)]
    return ore.refine(made, operators=[], split={}, out=folder)


def trained(method: str, task: str, start: Path, data: Dataset, out: Path, **given: Any) -> Artifact:
    """Train for some steps, with a checkpoint after each."""
    named = method.partition("-")[0]
    extras = EXTRAS.get(method, {})
    train = {"epochs": 2, "rows_per_step": 8, "threads": 1, "dropout": 0.1, "learning_rate": 1e-3}
    return ore.finetune(
        str(start),
        data,
        task=task,
        method=named,
        method_options={**METHODS[named], **extras.get("method_options", {})},
        train={**train, "checkpoint_every_s": 1e-6, **extras.get("train", {})},
        out=out,
        **given,
    )


def files_of(artifact: Artifact) -> dict[str, Any]:
    """Return the hashes of all files but the model card, which names the peak that was measured before the training."""
    return {name: file for name, file in artifact.manifest.files.items() if name != "README.md"}


@pytest.mark.parametrize(("method", "task"), [*EVERYWHERE, *ELSEWHERE, *OF_CLASSES])
def test_an_interruption_at_any_step_changes_no_byte(
    method: str, task: str, tmp_path: Path, request: pytest.FixtureRequest
):
    data = dataset(task, tmp_path / "data")
    start = request.getfixturevalue(STARTS.get(task, "tiny_start"))
    whole = trained(method, task, start, data, tmp_path / "whole")
    stop_at = random.Random(f"{method} {task}").randint(1, NUM_STEPS - 2)

    def stop(event: Any) -> None:
        if event.step == stop_at + 1 and "loss" in event.values:
            raise Interrupted  # the checkpoint of the step before is there

    with pytest.raises(Interrupted):
        trained(method, task, start, data, tmp_path / "killed", on_event=stop)
    said: list[str] = []
    killed = trained(method, task, start, data, tmp_path / "killed", on_event=lambda event: said.append(event.message))
    assert f"continuing at step {stop_at} of {NUM_STEPS}" in said
    assert files_of(killed) == files_of(whole)
