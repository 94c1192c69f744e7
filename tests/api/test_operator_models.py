"""Models for operators: trained ones answer and embed, start models embed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import oreline as ore
from oreline.api.operator_models import open_model, trained
from oreline.data.refine import refine
from oreline.data.running.steps import Named
from oreline.errors import ArtifactError, UsageError


def test_a_trained_model_answers_as_predict_does(linear_model: Any) -> None:
    model = open_model(str(linear_model.path))
    texts = ["a great film", "an awful film"]
    answers = ore.predict(linear_model, texts)
    found = model.predict(texts)
    assert found["label"].to_list() == [answer["label"] for answer in answers]
    assert found["scores"].to_list() == [answer["scores"] for answer in answers]
    assert model.predict([]).is_empty()
    assert open_model(str(linear_model.path)) is model, "opened once for all operators"
    assert model.embed(texts).shape[0] == 2
    assert trained(str(linear_model.path)) == linear_model
    with pytest.raises(UsageError, match="fills no gaps"):
        model.fill([("a ", " film")], 3)


def test_a_start_model_embeds_and_answers_nothing(tiny_start: Path) -> None:
    model = open_model(str(tiny_start))
    vectors_ND = model.embed(["a great film", "an awful film", "a great film"])
    assert np.allclose(np.linalg.norm(vectors_ND, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors_ND[0], vectors_ND[2])
    with pytest.raises(UsageError, match="has no task yet"):
        model.predict(["x"])
    with pytest.raises(ArtifactError, match="no masked-language head"):
        model.fill([("a ", " film")], 3)
    assert trained(str(tiny_start)) is None
    with pytest.raises(UsageError, match="no start model 'nothing'"):
        open_model("nothing")


class Disagrees:
    """Flags rows whose label a model does not give them."""

    reports_only = True

    def __init__(self, model: str) -> None:
        self.models = {"judge": model}

    def bind(self, models: Any) -> None:
        self.judge = models["judge"]

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        said = self.judge.predict(frame["text"].to_list())["label"]
        return frame.select(pl.when(pl.col("label") != said).then(pl.lit("model_says_") + said)).to_series()


def test_an_operator_gets_the_model_that_it_names(linear_model: Any, tmp_path: Path) -> None:
    from oreline.data.refine import Running

    rows = {"text": ["a great film", "an awful film"], "label": ["rotten", "rotten"]}
    operators: list[Named] = [("disagrees", Disagrees(str(linear_model.path)))]  # type: ignore[list-item]
    with pytest.raises(UsageError, match="needs a model, and nothing here opens one"):
        refine(rows, operators=operators, split={}, out=tmp_path / "none")
    data = refine(rows, operators=operators, split={}, out=tmp_path / "out", running=Running(open_model=open_model))
    assert data.num_rows("all") == 2
    assert data.ledger().select("row_id", "action", "reason").rows() == [("data:1", "flagged", "model_says_fresh")]
    assert data.report().facts["rows_flagged"] == 1
