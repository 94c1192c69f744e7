"""Units of texts: what tags are counted by."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.fold import folded
from oreline.words import alike, as_cell, kind_of, string_list, units, words_of

SAMPLE = "ab Z9'-.,! \n\t这部电影，。かナกำक्षि😀👍🏽e\u0301\u200d\u3000"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \n ", []),
        ("U.S.-based", ["U", ".", "S", ".", "-", "based"]),
        ("Don't pay $3.50!!", ["Don", "'", "t", "pay", "$", "3", ".", "50", "!", "!"]),
        ("iPhone15手机", ["iPhone15", "手", "机"]),
        ("นำ", ["น", "ำ"]),
        ("cafe\u0301 👍🏽", ["cafe\u0301", "👍", "🏽"]),
    ],
)
def test_units(text: str, words: list[str]) -> None:
    assert [word for word, _, _ in units(text)] == words


@given(st.text(max_size=60) | st.text(alphabet=st.sampled_from(list(SAMPLE)), max_size=60))
def test_places_are_exact_and_nothing_but_white_space_is_lost(text: str) -> None:
    end_of_last = 0
    for word, start, end in units(text):
        assert text[start:end] == word != ""
        assert start >= end_of_last
        assert all(kind_of(character) in ("space", "") for character in text[end_of_last:start])
        end_of_last = end
    assert all(kind_of(character) in ("space", "") for character in text[end_of_last:])


@given(st.lists(st.text(max_size=8), max_size=8))
def test_given_words_come_back_with_their_places(words: list[str]) -> None:
    assert string_list(as_cell(words)) == words
    text, found = words_of(as_cell(words))
    assert [word for word, _, _ in found] == words
    assert all(text[start:end] == word for word, start, end in found)


@pytest.mark.parametrize("cell", ["plain", "[not json", '[1, "a"]', '{"a": 1}', "[]x"])
def test_what_is_no_list_of_words_is_a_text(cell: str) -> None:
    assert string_list(cell) is None
    assert words_of(cell)[0] == cell


def test_thousands_of_brackets_are_a_text() -> None:
    assert string_list("[" * 100_000) is None
    assert words_of("[" * 20_000)[0] == "[" * 20_000


@pytest.mark.parametrize("text", ["Ｇreat\t FILM ", "Ünïted  好 看\u3000", "", "ＡＢＣ\u00a0x"])
def test_texts_fold_as_columns_do(text: str) -> None:
    assert alike(text) == pl.DataFrame({"text": [text]}).select(folded("text"))["text"][0]
