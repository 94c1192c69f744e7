"""Merging writes a whole model with the same answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import oreline as ore
from oreline import registry
from oreline.errors import UsageError
from oreline.runtime.open import open_runtime
from oreline.train.merge import merge, refuse_whole

MERGING = [name for name in registry.names("adapter") if registry.get("adapter", name).merges]
TEXTS = {"text": ["a great film", "a dull plot with a weak story", "好", ""]}
FEW = {"epochs": 1, "threads": 1}


@pytest.mark.parametrize("pooling", ["first", "mean"])
@pytest.mark.parametrize("name", MERGING)
def test_a_merged_model_gives_the_same_answers(name: str, pooling: str, reviews, tiny_start: Path, tmp_path: Path):
    options = {"pooling": pooling}
    model = ore.finetune(tiny_start, reviews, method=name, method_options=options, train=FEW, out=tmp_path / "a")
    whole = merge(model, out=tmp_path / "whole")
    before, after = (open_runtime(opened).predict(TEXTS).outputs["scores"] for opened in (model, whole))
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert whole.has("model.safetensors")
    assert whole.has("tokenizer.json")
    assert not whole.has("adapter.json")
    assert whole.manifest.task_options == model.manifest.task_options
    assert whole.manifest.metrics == model.manifest.metrics
    assert whole.manifest.lineage[0] == {"verb": "finetune", "id": model.id, "path": str(model.path)}
    assert (whole.path / "train_rows.bin").read_bytes() == (model.path / "train_rows.bin").read_bytes()
    assert (whole.path / "report.json").is_file()


def test_a_whole_model_has_nothing_to_merge(torch_model, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no adapter"):
        merge(torch_model, out=tmp_path / "whole")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_change_of_weights_is_refused_before_any_work(reviews, tiny_start: Path, tmp_path: Path) -> None:
    model = ore.finetune(tiny_start, reviews, method="bottleneck", train=FEW, out=tmp_path / "a")
    with pytest.raises(UsageError, match="'bottleneck' cannot be merged"):
        refuse_whole(model)
