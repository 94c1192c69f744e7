"""Words as a column; the text stays."""

from __future__ import annotations

import json

import polars as pl
import pytest

from oreline.data.operators.segment_words import Operator
from oreline.errors import UsageError
from oreline.words import string_list


def test_words_of_both_languages() -> None:
    texts = [
        "这部电影很好看！",
        "Don't buy the well-made one, 3.5 stars",
        "iPhone手机 不错",
        '["EU", "rejects"]',
        None,
        " ",
    ]
    frame = pl.DataFrame({"row_id": [f"a:{n}" for n in range(6)], "text": texts})
    found = Operator().edit(frame)
    assert found["text"].to_list() == texts
    words = [None if cell is None else json.loads(cell) for cell in found["words"]]
    assert words[0] == ["这部", "电影", "很", "好看", "！"]
    assert words[1] == ["Don't", "buy", "the", "well-made", "one", ",", "3.5", "stars"]
    assert words[2] == ["iPhone", "手机", "不错"]
    assert words[3:] == [["EU", "rejects"], None, []]
    assert string_list(found["words"][0]) == words[0]


def test_options() -> None:
    frame = pl.DataFrame({"row_id": ["a:1"], "text": ["好看！ ok."]})
    assert Operator(column="cut", punctuation=False).edit(frame)["cut"].item() == '["好看", "ok"]'
    with pytest.raises(UsageError, match="segment_words"):
        Operator(column="text")
