"""Tokens, against the regular expressions of the standard library."""

from __future__ import annotations

import re
import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.data.duplicates import tokens as module
from oreline.data.duplicates.tokens import tokens

SINGLE = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00010000-\U0010ffff"


def slow_tokens(text: str) -> list[str]:
    folded = "".join(sign.lower()[0] for sign in unicodedata.normalize("NFKC", text))
    return re.findall(rf"[{SINGLE}]|(?:(?![{SINGLE}])[^\W_])+", folded)


SIGNS = st.sampled_from("abAB1 ,.'\n-_影片好，！ａＢ１éÉßµ\U00020000")


@settings(deadline=None)
@given(st.lists(st.text(SIGNS, max_size=20), max_size=6))
def test_tokens_equal_those_of_a_slow_definition(texts: list[str]) -> None:
    found = tokens(pl.Series(texts, dtype=pl.String))
    expected = [slow_tokens(text) for text in texts]
    assert found.counts_N.tolist() == [len(words) for words in expected]
    assert found.num_single_N.tolist() == [sum(bool(re.match(f"[{SINGLE}]", w)) for w in words) for words in expected]
    names = dict(zip((word for words in expected for word in words), found.hashes_T.tolist()))
    assert [names[word] for words in expected for word in words] == found.hashes_T.tolist()
    assert len(set(names.values())) == len(names)


def test_plain_and_foreign_texts_share_their_words() -> None:
    mixed = tokens(pl.Series(["good film", None, "good film – 好", ""]))
    assert mixed.counts_N.tolist() == [2, 0, 3, 0]
    assert mixed.hashes_T[:2].tolist() == mixed.hashes_T[2:4].tolist()


@pytest.mark.parametrize("text", ["one two three four", "这部电影很好看", "x" * 40], ids=["en", "zh", "one word"])
def test_steps_end_between_tokens(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that does not fit into one step is cut where no token is torn; a word longer than a step is none."""
    whole = tokens(pl.Series(["a b", text, "c"]))
    monkeypatch.setattr(module, "_PART", 12)
    cut = tokens(pl.Series(["a b", text, "c"]))
    if " " in text or ord(text[0]) > 255:
        assert cut.hashes_T.tolist() == whole.hashes_T.tolist()
    assert cut.counts_N[[0, 2]].tolist() == [2, 1]
