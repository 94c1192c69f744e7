"""A linear head on a frozen encoder is scikit-learn's logistic regression, placed in the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from sklearn.linear_model import LogisticRegression

from oreline.evaluate.estimates import point_values
from oreline.recipe import TrainOptions
from oreline.train.finetune import finetune
from oreline.train.methods.head import _place


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2], [0, 2]])
def test_the_placed_head_gives_its_probabilities(classes: list[int]):
    source = np.random.default_rng(0)
    x_ND = source.normal(size=(60, 5)).astype(np.float32)
    model = LogisticRegression().fit(x_ND, source.choice(classes, 60))
    layer = torch.nn.Linear(5, 3)
    _place(layer, model, 3)
    scores_NK = layer(torch.from_numpy(x_ND)).softmax(-1).detach().numpy()
    np.testing.assert_allclose(scores_NK[:, classes], model.predict_proba(x_ND), atol=1e-5)
    missing = [k for k in range(3) if k not in classes]
    assert scores_NK[:, missing].max(initial=0) < 1e-6


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
