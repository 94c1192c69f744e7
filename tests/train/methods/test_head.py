"""A linear head on a frozen encoder is scikit-learn's logistic regression, placed in the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from oreline.evaluate.estimates import point_values
from oreline.recipe import TrainOptions
from oreline.train.finetune import finetune


def test_the_encoder_stays_as_it_was(reviews, tiny_start: Path, tmp_path: Path):
    artifact = finetune(
        tiny_start,
        reviews,
        task="text_classification",
        method="head",
        options=TrainOptions(threads=1),
        out=tmp_path / "model",
        score=point_values,
    )
    before, after = load_file(tiny_start / "model.safetensors"), load_file(artifact.path / "model.safetensors")
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert artifact.manifest.recipe["resolved"]["regularization"] in (1.0, 10.0, 100.0)
