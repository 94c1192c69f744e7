"""The language as a column; rows stay as they are."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.operators.tag_language import Operator
from oreline.errors import UsageError


def test_the_column() -> None:
    texts = ["这部电影", "这个 project 的 deadline 是 Friday", "love it", "Das ist ein sehr schöner Film", "666", None]
    frame = pl.DataFrame({"row_id": [f"a:{n}" for n in range(6)], "text": texts})
    found = Operator().edit(frame)
    assert found["language"].to_list() == ["zh", "zh+en", "und", "de", "zxx", "zxx"]
    assert found.drop("language").equals(frame)
    assert Operator(column="lang", min_score=0.1).edit(frame)["lang"][2] == "en"


def test_it_needs_a_text_and_a_name() -> None:
    frame = pl.DataFrame({"row_id": ["a:1"], "note": ["x"]})
    assert Operator().edit(frame).equals(frame)
    with pytest.raises(UsageError, match="tag_language"):
        Operator(column="label")
