"""Rows with other entities: by their tags, by a model, and the frame of a label with tags."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline import registry
from oreline.data.refine import Running, refine
from oreline.errors import DataError, UsageError

NAME = "augment_entities"
TAGGED = {
    "tokens": [["fly", "to", "Rome"], ["fly", "to", "New", "York", "now"], [*"去北京"], [*"飞去上海"]],
    "tags": [["O", "O", "B-L"], ["O", "O", "B-L", "I-L", "O"], ["O", "B-L", "I-L"], ["O", "O", "B-L", "I-L"]],
    "label": ["go", "go", "去", "去"],
}


def refined(out: Path, source: Any, **options: Any) -> Any:
    running = options.pop("running", None)
    operators: list[Any] = [(NAME, registry.create("operator", NAME, **options))]
    return refine({"train": source}, operators=operators, split={}, out=out, running=running)


def test_tags_and_frames_follow(tmp_path: Path) -> None:
    data = refined(tmp_path / "data", TAGGED, times=3)
    train = data.frame("train")
    made = train.filter(pl.col("row_id").str.contains(f"+{NAME}", literal=True))
    assert made.height >= 6
    for row in made.iter_rows(named=True):
        words, tags = json.loads(row["text"]), json.loads(row["tags"])
        assert len(words) == len(tags)
        assert json.loads(row["frame"]) == [row["label"], *tags]
        entity = "".join(word for word, tag in zip(words, tags) if tag != "O")
        assert entity in {"Rome", "NewYork", "北京", "上海"}
    assert set(data.ledger()["reason"]) == {"entity: L"}


class Finder:
    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        places = ("Rome", "Oslo", "北京")
        found = [
            [{"label": "L", "start": text.find(p), "end": text.find(p) + len(p)} for p in places if p in text]
            for text in texts
        ]
        shape = pl.List(pl.Struct({"label": pl.String, "start": pl.Int64, "end": pl.Int64}))
        return pl.DataFrame({"entities": found}, schema={"entities": shape})


class Classifier:
    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        return pl.DataFrame({"label": ["x"] * len(texts)})


def test_texts_through_a_model(tmp_path: Path) -> None:
    source = {"text": ["I like Rome", "Oslo is cold", "我爱北京", "nothing"], "label": ["a", "b", "a", "b"]}
    how = Running(open_model=lambda place: Finder())  # type: ignore[arg-type, return-value]
    data = refined(tmp_path / "data", source, model="stand", times=2, running=how)
    train = data.frame("train")
    made = train.filter(pl.col("row_id").str.contains("+", literal=True))["text"].to_list()
    assert {"I like Oslo", "I like 北京", "Rome is cold", "北京 is cold", "我爱Rome", "我爱Oslo"} >= set(made)
    assert len(made) >= 4
    wrong = Running(open_model=lambda place: Classifier())  # type: ignore[arg-type, return-value]
    with pytest.raises(DataError, match="finds no entities"):
        refined(tmp_path / "wrong", source, model="stand", running=wrong)


class Told(Finder):
    """A finder that says what it finds."""

    entities = ("L",)


def test_types_that_the_model_lacks_are_refused_where_it_is_needed(tmp_path: Path) -> None:
    source = {"text": ["I like Rome", "Oslo is cold", "我爱北京"], "label": ["x", "y", "x"]}
    running = Running(open_model=lambda place: Told())  # type: ignore[arg-type, return-value]
    with pytest.raises(UsageError, match="finds no entity 'PERSON'"):
        refined(tmp_path / "lacks", source, model="stand", types=["PERSON"], running=running)
    small = refined(tmp_path / "small", source, model="stand", types=["l"], times=3, believable=0.0, running=running)
    assert small.manifest.counts["rows_added"] > 0, "capitals do not count"
    tagged = refined(tmp_path / "tagged", TAGGED, model="stand", types=["l"], times=3, running=running)
    assert tagged.manifest.counts["rows_added"] > 0
    other = {**TAGGED, "tags": [[tag.replace("-L", "-PRODUCT") for tag in row] for row in TAGGED["tags"]]}
    made = refined(tmp_path / "other", other, model="stand", types=["PRODUCT"], times=3, running=running)
    assert made.manifest.counts["rows_added"] > 0, "rows with tags need no model"


def test_what_has_no_entities(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="tags are no entities"):
        refined(tmp_path / "plain", {"tokens": [["a", "b"]], "tags": [["DT", "NN"]]})
    data = refined(tmp_path / "none", {"text": ["a", "b"], "label": ["x", "y"]})
    assert data.manifest.counts["rows_added"] == 0
    assert any("no two entities" in warning for warning in data.report().warnings)
    with pytest.raises(UsageError):
        registry.create("operator", NAME, change=2.0)
