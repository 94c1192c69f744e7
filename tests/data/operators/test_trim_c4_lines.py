"""Lines that are no sentences go, in both languages."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.ledger import CHANGE_REASON
from oreline.data.operators.trim_c4_lines import Operator
from oreline.errors import UsageError


def test_lines_go_and_the_ledger_says_why():
    texts = [
        "Home\nThe sky was blue.[2]\nWe use cookies here.",
        "首页\n今天下雨了。\n见隐私政策。",
        "It stays as it is.",
        None,
        "Привет",
    ]
    found = Operator().edit(pl.DataFrame({"text": texts}))
    assert found["text"].to_list() == ["The sky was blue.", "今天下雨了。", "It stays as it is.", None, "Привет"]
    assert found[CHANGE_REASON].to_list() == [
        "no_sentence_end, citation, policy",
        "no_sentence_end, policy",
        None,
        None,
        None,
    ]


def test_options():
    frame = pl.DataFrame({"text": ["Home\nA[1]"]})
    assert Operator(needs_end=False, min_words=0, citations=False).edit(frame)["text"].to_list() == ["Home\nA[1]"]
    with pytest.raises(UsageError, match="min_words -1"):
        Operator(min_words=-1)
