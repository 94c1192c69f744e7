"""Models as operators use them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from oreline.api.bound import is_trained, open_model
from oreline.api.use import predict
from oreline.store import Artifact


def test_a_trained_model_answers_and_embeds(linear_model: Artifact) -> None:
    model = open_model(str(linear_model.path))
    texts = ["a great film", "a dull film"]
    found = model.predict(texts)
    assert found["label"].to_list() == [answer["label"] for answer in predict(linear_model, texts)]
    assert {"label", "scores"} <= set(found.columns)
    assert model.embed(texts).shape[0] == 2
    assert model.predict([]).height == 0
    assert is_trained(linear_model.path)


def test_a_start_model_embeds(tiny_start: Path) -> None:
    model = open_model(str(tiny_start))
    found = model.embed(["a great film", "a dull film", "a great film"])
    assert np.allclose(found[0], found[2], atol=1e-5)
    assert not np.allclose(found[0], found[1], atol=1e-5)
    assert not is_trained(tiny_start)
