"""Rows translated there and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline import registry
from oreline.data.refine import Running, refine
from oreline.errors import DataError, UsageError

NAME = "augment_translated"
THERE = {"a fine film": "一部好电影", "很好看": "very good", "too long": "x", "empty": " ", "far": "fern"}
BACK = {"一部好电影": ["a good movie", "a nice film"], "very good": ["非常好"], "fern": ["very far away from here"]}
ROWS = {"text": list(THERE), "label": ["a", "b", "a", "b", "a"]}


class Translator:
    def __init__(self, place: str) -> None:
        self.place = place

    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        if self.place == "there":
            lines = [{"text": THERE[text], "truncated": text == "too long"} for text in texts]
        else:
            lines = [{"text": BACK[t][0], "others": [{"text": other} for other in BACK[t][1:]]} for t in texts]
        return pl.from_dicts(lines, infer_schema_length=None)


class Classifier:
    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        return pl.DataFrame({"label": ["x"] * len(texts)})


def refined(out: Path, source: Any, open_model: Any, **options: Any) -> Any:
    operators: list[Any] = [(NAME, registry.create("operator", NAME, there="there", back="back", **options))]
    how = Running(open_model=open_model)
    return refine({"train": source}, operators=operators, split={}, out=out, running=how)


def test_there_and_back_in_both_languages(tmp_path: Path) -> None:
    data = refined(tmp_path / "data", ROWS, Translator, times=2)
    made = data.frame("train").filter(pl.col("row_id").str.contains("+", literal=True))
    assert made["text"].to_list() == ["a good movie", "a nice film", "非常好"]
    assert made["label"].to_list() == ["a", "a", "b"]
    found = data.report().facts["found"][NAME]
    assert found["refused: much shorter or longer"] == 1
    assert found["rows without a variant"] == 3, "too long for the model, empty, and far away"
    once = refined(tmp_path / "once", ROWS, Translator)
    assert once.manifest.counts["rows_added"] == 2


def test_models_and_rows_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="writes no texts"):
        refined(tmp_path / "a", ROWS, lambda place: Classifier())
    with pytest.raises(DataError, match="a tag for each word"):
        refined(tmp_path / "b", {"tokens": [["a"]], "tags": [["O"]]}, Translator)
    with pytest.raises(UsageError, match="max_ratio"):
        registry.create("operator", NAME, there="x", back="y", max_ratio=0.5)
