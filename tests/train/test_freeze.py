"""Some weights stay bit for bit as they were, the others learn."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from oreline.data.dataset import Dataset
from oreline.errors import UsageError
from oreline.evaluate.estimates import point_values
from oreline.models.load import load_classifier
from oreline.recipe import TrainOptions
from oreline.train.finetune import finetune
from oreline.train.freeze import freeze


@pytest.mark.parametrize(
    ("options", "stays"),
    [
        ({"layers": 1}, ("embeddings.", "encoder.layer.0.")),
        ({"layers": 2}, ("embeddings.", "encoder.layer.")),
        ({"patterns": ["*.attention.*"]}, ("encoder.layer.0.attention.", "encoder.layer.1.attention.")),
        ({}, ()),
    ],
)
@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_the_lowest_layers_or_what_a_pattern_names_is_frozen(tiny_start: Path, pooling: str, options, stays):
    model = load_classifier(tiny_start, 2, pooling=pooling)
    num_frozen = freeze(model, **options)
    found = {name: parameter for name, parameter in model.named_parameters() if not parameter.requires_grad}
    # The encoder lies in `bert.` or, under a head of our own, in `encoder.`.
    inner = {
        name: re.sub(r"^(bert|encoder)\.(?=embeddings|encoder|pooler)", "", name)
        for name, _ in model.named_parameters()
    }
    assert found.keys() == {name for name, part in inner.items() if part.startswith(stays)}
    assert num_frozen == sum(parameter.numel() for parameter in found.values())


def test_frozen_weights_are_those_of_the_start_model_and_the_others_are_not(
    tiny_start: Path, reviews: Dataset, tmp_path: Path
):
    model = finetune(
        tiny_start,
        reviews,
        task="text_classification",
        method="full",
        method_options={"pooling": "mean", "freeze_layers": 1},
        options=TrainOptions(epochs=1, learning_rate=5e-3, threads=1),
        out=tmp_path / "model",
        score=point_values,
    )
    before, after = load_file(tiny_start / "model.safetensors"), load_file(model.path / "model.safetensors")
    same = {name for name in before if np.array_equal(before[name], after[name])}
    assert {name for name in before if name.startswith(("embeddings.", "encoder.layer.0."))} <= same
    assert not any(name.startswith("encoder.layer.1.") for name in same)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"layers": 3}, "freeze_layers is 3"),
        ({"layers": -1}, "freeze_layers is -1"),
        ({"patterns": ["*.atention.*"]}, "no parameter is named"),
        ({"patterns": ["*"]}, "everything is frozen"),
    ],
)
def test_what_cannot_be_frozen_is_said(tiny_start: Path, options, says: str):
    with pytest.raises(UsageError, match=says):
        freeze(load_classifier(tiny_start, 2), **options)
