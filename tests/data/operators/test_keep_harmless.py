"""Harmful text by lists and models: noted, dropped when asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline.data.operators.keep_harmless import Operator
from oreline.errors import DataError, UsageError

FRAME = pl.DataFrame(
    {"text": ["你这个笨蛋", "You damn fool of a very long sentence about nothing", "class act", None, "ＤＡＭＮ"]}
)


class Model:
    """Answers as a bound model does, without scores."""

    def predict(self, texts: list[str]) -> pl.DataFrame:
        return pl.DataFrame({"label": ["toxic" if "class" in text else "fine" for text in texts]})


@pytest.fixture
def lists(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "rude.txt").write_text("# rude words\ndamn\nass\n笨蛋\n\n", encoding="utf-8")
    return {"insults": str(tmp_path / "rude.txt")}


def test_reasons_name_category_and_ratio(lists: dict[str, str]):
    assert Operator(lists=lists).keep(FRAME).to_list() == [
        "harmful: insults, ratio from 0.2",
        "harmful: insults, ratio from 0.05",
        None,
        None,
        "harmful: insults, ratio from 0.5",
    ]
    assert Operator(lists=lists, max_ratio=0.3).keep(FRAME).to_list()[:2] == ["harmful: insults, ratio from 0.2", None]
    assert Operator(lists=lists, min_hits=2).keep(FRAME).null_count() == 5
    assert Operator(lists=[lists["insults"]]).keep(FRAME)[0].startswith("harmful: rude")


def test_it_notes_first_and_drops_when_asked(lists: dict[str, str]):
    assert Operator(lists=lists).reports_only
    assert not Operator(lists=lists, drop=True).reports_only


def test_a_classifier_beside_the_lists(lists: dict[str, str]):
    operator = Operator(lists=lists, model="folder", harmful=["toxic"])
    operator.bind({"classifier": Model()})
    assert operator.keep(FRAME).to_list()[2] == "harmful: model"
    with pytest.raises(UsageError, match="no model bound"):
        Operator(model="folder", harmful=["toxic"]).keep(FRAME)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "neither lists nor a model"),
        ({"model": "m"}, "belong together"),
        ({"model": "m", "harmful": ["x"], "max_ratio": 2}, "max_ratio 2"),
    ],
)
def test_what_is_wrong_is_said(options: dict[str, Any], said: str):
    with pytest.raises(UsageError, match=said):
        Operator(**options)


def test_lists_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(DataError, match="cannot be read"):
        Operator(lists={"a": str(tmp_path / "none.txt")})
    (tmp_path / "empty.txt").write_text("# nothing\n")
    with pytest.raises(UsageError, match="hold no word"):
        Operator(lists={"a": str(tmp_path / "empty.txt")})
