"""Full fine-tuning chooses its head: the start's own pooling, class weights where asked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from oreline import registry
from oreline.errors import UsageError
from oreline.evaluate.estimates import point_values
from oreline.recipe import TrainOptions
from oreline.train.finetune import finetune
from oreline.train.methods.full import loss_options

OPTIONS = TrainOptions(epochs=0.2, threads=1)


def train(start: Path | None, data, out: Path, **method_options):
    return finetune(
        start,
        data,
        task="text_classification",
        method="full",
        method_options=method_options,
        options=OPTIONS,
        out=out,
        score=point_values,
    )


def test_the_starts_pooling_is_the_default_and_an_option_overrides_it(reviews, tiny_start: Path, tmp_path: Path):
    start = Path(shutil.copytree(tiny_start, tmp_path / "start"))
    (start / "1_Pooling").mkdir()
    (start / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    assert train(start, reviews, tmp_path / "own").has("head.safetensors")
    assert not train(start, reviews, tmp_path / "first", pooling="first").has("head.safetensors")
    assert not train(tiny_start, reviews, tmp_path / "plain").has("head.safetensors")


def test_a_start_is_needed(reviews, tmp_path: Path):
    with pytest.raises(UsageError, match="needs a start model"):
        train(None, reviews, tmp_path / "model")


def test_every_weight_moves(reviews, tiny_start: Path, tmp_path: Path):
    from safetensors.numpy import load_file

    before = load_file(tiny_start / "model.safetensors")
    after = load_file(train(tiny_start, reviews, tmp_path / "model", pooling="mean").path / "model.safetensors")
    still = [name for name in before if np.array_equal(before[name], after[name])]
    assert [name for name in still if "pooler" not in name] == []  # the mean does not go through the pooler


def job_of(head: str, **options: Any) -> Any:
    """Return what the choice of a head's loss reads of a job: 3 rows of one class, 1 of another."""
    task = SimpleNamespace(head=head, labels=["bad", "good"])
    rows = SimpleNamespace(targets=np.array([0, 0, 0, 1]))
    return SimpleNamespace(task=task, train=rows, options=TrainOptions(**options))


def test_the_head_is_told_what_differs_from_the_defaults():
    assert loss_options(job_of("regression")) == {}
    asked = loss_options(job_of("sequence_classification", focal_gamma=2, class_weights="balanced"))
    assert asked == {"focal_gamma": 2, "class_weights": pytest.approx([2 / 3, 2])}
    asked = loss_options(job_of("sequence_classification", label_smoothing=0.1, class_weights="effective"))
    assert asked == {"label_smoothing": 0.1, "class_weights": pytest.approx([0.6669, 1.9993], rel=1e-3)}


@pytest.mark.parametrize("head", ["multilabel", "regression"])
@pytest.mark.parametrize("change", [{"label_smoothing": 0.1}, {"focal_gamma": 1}, {"class_weights": "effective"}])
def test_a_head_without_classes_refuses_their_loss(head: str, change: dict[str, Any]):
    assert not {"label_smoothing", "focal_gamma"} & {o.name for o in registry.options_of(registry.get("head", head))}
    with pytest.raises(UsageError, match=f"{next(iter(change))} changes a loss over classes.*{head}"):
        loss_options(job_of(head, **change))
