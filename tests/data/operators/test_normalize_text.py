"""Cleaning: each kind of dirt is removed and named, and what carries meaning stays."""

from __future__ import annotations

import html
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.ledger import CHANGE_REASON
from oreline.data.operators.normalize_text import _NOT_COMPOSED, Operator


def clean(*texts: str | None, **options: object) -> list[tuple[str | None, str | None]]:
    ids = [f"a:{number}" for number in range(1, len(texts) + 1)]
    frame = pl.DataFrame({"row_id": ids, "text": texts}, schema={"row_id": pl.String, "text": pl.String})
    return Operator(**options).edit(frame).select("text", CHANGE_REASON).rows()


@pytest.mark.parametrize(
    ("raw", "expected", "reason"),
    [
        ("A fine film.", "A fine film.", None),
        (None, None, None),
        ("\ufeff做父母一定要有", "做父母一定要有", "byte_order_mark"),
        ("AT&amp;T &lt;b&gt; &#39;x&#x27; &ldquo;y", "AT&T <b> 'x' “y", "html_entity"),
        ("twice &amp;quot;quoted&amp;quot;", 'twice "quoted"', "html_entity"),
        ("the world #39;s  quot;best quot;", 'the world\'s "best"', "html_entity"),
        ("AT amp;T", "AT&T", "html_entity"),
        ("issue #123; and amplify", "issue #123; and amplify", None),
        ("很好&nbsp 真的&nbsp&nbsp。", "很好 真的 。", "html_entity, white_space"),
        ("a?b=1&lt=2, AT&amplify", "a?b=1&lt=2, AT&amplify", None),
        ("one\u2028two\x0bthree\x85 four\r\n\r\nfive", "one\ntwo\nthree\nfour\nfive", "white_space"),
        ("Å \u212b \uf900 한", "Å Å 豈 한", "unicode_form"),
        ("AT&T, a?b=1&copy=2", "AT&T, a?b=1&copy=2", None),
        ("bell\x07 and\x85 \x9f", "bell and", "control_character, white_space"),
        ("left\u202eright", "leftright", "control_character"),
        ("zero\u200bwidth soft\u00adhyphen", "zerowidth softhyphen", "zero_width"),
        ("non\u200djoiner", "nonjoiner", "zero_width"),
        ("family 👨\u200d👩\u200d👧", "family 👨\u200d👩\u200d👧", None),
        ("می\u200cخواهم", "می\u200cخواهم", None),
        ("cafe\u0301", "café", "unicode_form"),
        ("full width Ａ", "full width Ａ", None),
        ("  two  spaces\u3000and\ttab \n\n next line\r\nlast ", "two spaces and tab\nnext line\nlast", "white_space"),
        ("non&nbsp;breaking", "non breaking", "html_entity, white_space"),
    ],
)
def test_what_changes_and_what_stays(raw: str | None, expected: str | None, reason: str | None) -> None:
    assert clean(raw) == [(expected, reason)]


DIRTY = st.text(
    st.one_of(
        st.sampled_from("ab &;#39\n\t \ufeff\u200b\u200d\u00ade\u0301影👨\u3000\u00a0\x07"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=25,
)


@given(st.lists(DIRTY, min_size=1, max_size=5))
def test_cleaning_is_complete(texts: list[str]) -> None:
    """What comes out is composed, tidy and free of what is named; rows do not mix; a reason stands for a change."""
    for raw, (text, reason) in zip(texts, clean(*texts)):
        assert text is not None
        assert (reason is None) == (raw == text)
        assert unicodedata.is_normalized("NFC", text)
        assert text == "\n".join(" ".join(line.split()) for line in text.splitlines())
        assert not set(text) & {"\ufeff", "\u200b", "\x07", "\u00ad", "\t", "\u3000"}
        assert clean(raw) == [(text, reason)]


@given(st.text(st.sampled_from("&<>'\"abc é影"), max_size=20))
def test_escaped_html_comes_back(text: str) -> None:
    once = clean(text)[0][0]
    assert clean(html.escape(text))[0][0] == once


def test_options() -> None:
    assert clean("Ａ &amp; b", form="NFKC")[0][0] == "A & b"
    assert clean("a &amp; b", html_entities=False) == [("a &amp; b", None)]
    frame = pl.DataFrame({"row_id": ["a:1"], "text": ["a  b"], "text_pair": ["c  d"], "note": ["e  f"]})
    assert Operator().edit(frame).row(0) == ("a:1", "a b", "c d", "e  f", "white_space")
    assert Operator(columns=["note"]).edit(frame).row(0) == ("a:1", "a  b", "c  d", "e f", "white_space")


def test_all_that_composing_changes_is_looked_at() -> None:
    """The pattern that spares plain texts the composing holds every character that may change or combine."""
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    seen = pl.Series(characters).str.contains(_NOT_COMPOSED).to_list()
    missed = [
        character
        for character, is_seen in zip(characters, seen)
        if not is_seen and (unicodedata.normalize("NFC", character) != character or unicodedata.combining(character))
    ]
    assert missed == []
