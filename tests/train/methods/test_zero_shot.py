"""Zero-shot: the head is made of descriptions, and no row is trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import oreline as ore
from oreline.errors import DataError, UsageError
from oreline.runtime.open import open_runtime
from oreline.train.methods.zero_shot import Method


def test_a_text_like_its_description_gets_the_label(reviews, tiny_start: Path, tmp_path: Path):
    described = {"fresh": "a great film", "rotten": ["a dull film", "an awful plot"]}
    model = ore.finetune(
        str(tiny_start), reviews, method="zero_shot", method_options={"descriptions": described}, out=tmp_path / "model"
    )
    runtime = open_runtime(model)
    predicted = runtime.predict({"text": ["a great film", "a dull film"]}, embeddings=True)
    scores_NK, embedding_ND = predicted.outputs["scores"], predicted.embedding_ND
    assert scores_NK.argmax(axis=1).tolist() == [0, 1]
    described_KD = runtime.predict({"text": ["a great film"]}, embeddings=True).embedding_ND
    assert np.allclose(embedding_ND[0], described_KD[0], atol=1e-4)
    assert model.manifest.data["rows"] == 0
    report = ore.evaluate(model, reviews, split="train")  # nothing was trained on, so that every row may judge it
    assert report.metrics["accuracy"].n == reviews.num_rows("train")


def test_the_data_needs_no_labels_where_descriptions_name_them(tiny_start: Path, tmp_path: Path):
    texts = {"text": [f"a great film {number}" for number in range(30)]}
    described = {"rotten": "dull", "fresh": "great"}
    options = {"descriptions": described}
    model = ore.finetune(str(tiny_start), texts, method="zero_shot", method_options=options, out=tmp_path / "model")
    assert open_runtime(model).task.labels == ("fresh", "rotten")
    with pytest.raises(DataError, match="no column with the role 'label'"):
        ore.finetune(str(tiny_start), texts, method="zero_shot", out=tmp_path / "other")


def test_a_label_without_a_description_is_refused(reviews, tiny_start: Path, tmp_path: Path):
    options = {"descriptions": {"fresh": "great", "rotton": "dull"}}
    with pytest.raises(DataError, match="'rotten'"):
        ore.finetune(str(tiny_start), reviews, method="zero_shot", method_options=options, out=tmp_path / "model")
    with pytest.raises(UsageError, match="temperature"):
        Method(temperature=0)
