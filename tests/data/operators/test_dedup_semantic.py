"""Rows whose vectors are alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from oreline.data.duplicates.vectors import hashed_words
from oreline.data.operators.dedup_semantic import Operator
from oreline.data.running.steps import named_by
from oreline.errors import UsageError

TEXTS = ["a fine film", "a splendid picture", "", "terrible", "影片很好", "这部片子不错"]
VECTORS = {"a fine film": [1, 0, 0], "a splendid picture": [1, 0.1, 0], "terrible": [0, 1, 0],
           "影片很好": [0, 0, 1], "这部片子不错": [0, 0.1, 1]}  # fmt: skip


class Model:
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([VECTORS.get(text, [3, 3, 3]) for text in texts], np.float32)

    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        raise NotImplementedError


def found_in(texts: list[str], labels: list[str] | None = None, **options: object) -> list[tuple[str, str, float]]:
    operator = Operator(model="catalog:any", **options)
    assert operator.models == {"embedder": "catalog:any"}
    operator.bind({"embedder": Model()})
    frame = pl.DataFrame({"row_id": [f"a:{n}" for n in range(len(texts))], "text": texts})
    if labels:
        frame = frame.with_columns(label=pl.Series(labels))
    found = pl.concat(named_by(operator.whole(frame.lazy())))
    return found.select("row_id", "kept_id", pl.col("similarity").round(3)).rows()


def test_like_rows_are_reported_and_the_longest_stays() -> None:
    assert found_in(TEXTS) == [("a:1", "a:0", 0.995), ("a:4", "a:5", 0.995)]
    assert found_in(TEXTS, keep="first") == [("a:1", "a:0", 0.995), ("a:5", "a:4", 0.995)]
    assert found_in(TEXTS, labels=["1", "0", "1", "1", "1", "1"]) == [("a:4", "a:5", 0.995)]
    assert found_in(TEXTS, threshold=0.999) == []


def test_it_reports_unless_it_is_told_to_drop() -> None:
    assert Operator().reports_only
    assert not Operator(drop=True).reports_only


def test_without_a_model_words_are_counted() -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2", "a:3"], "text": ["电影很好看", "看电影很好", "nothing like it"]})
    found = pl.concat(named_by(Operator(threshold=0.7).whole(frame.lazy())))
    assert found.select("row_id", "kept_id", "reason").rows() == [("a:2", "a:1", "same_meaning")]


def test_an_impossible_threshold() -> None:
    with pytest.raises(UsageError, match="threshold is 2"):
        Operator(threshold=2)


def test_calibration_is_the_cosine_to_the_nearest_row_before() -> None:
    texts = ["a good film with a fine cast", "with a fine cast a good film", "nothing of the kind here", ""]
    found = Operator(threshold=0.9).calibration(pl.DataFrame({"text": texts}))
    vectors = hashed_words(pl.Series(texts)).astype(np.float64)
    cosine = vectors[0] @ vectors[1] / np.linalg.norm(vectors[0]) / np.linalg.norm(vectors[1])
    assert cosine > 0.8
    assert found.values["cosine"].to_list() == [None, pytest.approx(cosine, abs=1e-5), None, None]
    assert [bound.value for bound in found.bounds["all"]] == [0.9]
