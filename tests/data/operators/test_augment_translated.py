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
            lines = [{"text": THERE.get(text, ""), "truncated": text == "too long"} for text in texts]
        else:
            found = [BACK.get(text, [""]) for text in texts]
            lines = [{"text": own[0], "others": [{"text": other} for other in own[1:]]} for own in found]
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
    with pytest.raises(DataError, match="writes no texts") as told:  # before a row is read
        refined(
            tmp_path / "c", {"nothing": ["x"]}, lambda place: Translator(place) if place == "there" else Classifier()
        )
    assert "back" in str(told.value.where)
    with pytest.raises(DataError, match="a tag for each word"):
        refined(tmp_path / "b", {"tokens": [["a"]], "tags": [["O"]]}, Translator)
    with pytest.raises(UsageError, match="max_ratio"):
        registry.create("operator", NAME, there="x", back="y", max_ratio=0.5)


class Stammers:
    """A translator that understands nothing."""

    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        return pl.DataFrame({"text": ["thank you very much"] * len(texts)})


def test_what_a_model_writes_of_every_row_is_added_once(tmp_path: Path) -> None:
    rows = {"text": [f"a fine film, number {number}" for number in range(6)], "label": ["a", "b"] * 3}
    data = refined(tmp_path / "data", rows, lambda place: Stammers())
    assert data.manifest.counts["rows_added"] == 1
    assert data.report().facts["found"][NAME]["refused: same as another added row"] == 5


def test_a_warning_says_that_nothing_was_added(tmp_path: Path) -> None:
    data = refined(tmp_path / "data", {"text": ["far", "empty"], "label": ["a", "b"]}, Translator)
    assert any("none of 2 rows got a variant: much shorter or longer (1)" in one for one in data.report().warnings)
