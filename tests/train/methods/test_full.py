"""Full fine-tuning chooses its head: the start's own pooling, class weights where asked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from oreline.errors import UsageError
from oreline.evaluate.estimates import point_values
from oreline.recipe import TrainOptions
from oreline.train.finetune import finetune

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
