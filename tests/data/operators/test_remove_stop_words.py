"""Stop words of both languages, more and fewer of them."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from oreline.data.operators.remove_stop_words import Operator
from oreline.errors import UsageError


def removed(text: str, **options: Any) -> str:
    return Operator(**options).edit(pl.DataFrame({"row_id": ["a:1"], "text": [text]}))["text"].item()


def test_options() -> None:
    text = "the film and 我们的电影"
    assert removed(text) == "film 电影"
    assert removed(text, languages=["zh"]) == "the film and 电影"
    assert removed(text, also=["Film", "电影"], keep=["the"]) == "the"
    assert removed("the of", also=[]) == "the of", "it is nothing else"


def test_reasons() -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["the film 的", "film"], "target_text": ["the", "the"]})
    assert Operator().edit(frame)["change_reason"].to_list() == ["stop_words_en, stop_words_zh", None]


def test_unknown_languages() -> None:
    with pytest.raises(UsageError, match="languages"):
        Operator(languages=["fr"])  # type: ignore[list-item]
