"""Texts as pieces: lossless, Chinese by words, tags at their words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.data.augment.pieces import Piece, cut, joined, pieces_of
from oreline.words import as_cell, units

ALPHABET = st.sampled_from([*"aB n't'’-_ 3\n,。！好看电影不北京", "don't", "é", "の", "😂", "\u0301"])


@settings(max_examples=60, deadline=None)
@given(st.lists(ALPHABET, max_size=20).map("".join))
def test_pieces_joined_are_the_text(text: str) -> None:
    assert "".join(cut(text)) == text
    assert joined(pieces_of(text)) == (text, None)
    tags = [f"B-{n}" if n % 3 else "O" for n in range(len(units(text)))]
    assert joined(pieces_of(text, as_cell(tags))) in ((text, as_cell(tags)), (text, None), None)
    words = as_cell([unit.word for unit in units(text)])
    pieces = pieces_of(words, as_cell(tags))
    assert not pieces or joined(pieces) == (words, as_cell(tags))


@pytest.mark.parametrize(
    "word", ["not", "No", "don't", "isn’t", "不", "没有", "t", "3", "2019", ",", "。", " ", "😂", "_"]
)
def test_what_is_no_word_to_exchange(word: str) -> None:
    assert not Piece(word).is_word


@pytest.mark.parametrize("word", ["film", "Smith-Jones", "电影", "c3po", "café", "фильм"])
def test_what_is(word: str) -> None:
    assert Piece(word).is_word
    assert not Piece(word, ("B-PER",)).is_word
    assert not Piece(word, ("O", "I-PER")).is_word


def test_tags_follow_the_words_of_a_piece() -> None:
    pieces = pieces_of("我在北京大学学习", as_cell(["O", "O", *["B-ORG", "I-ORG", "I-ORG", "I-ORG"], "O", "O"]))
    assert [piece.text for piece in pieces] == ["我", "在", "北京大学", "学习"]
    assert pieces[2].tags == ("B-ORG", "I-ORG", "I-ORG", "I-ORG")
    assert pieces[3].written("研究生").tags == ("O", "O", "O")
    cell, tags = joined([*pieces[:3], pieces[3].written("读")]) or ("", "")
    assert cell == "我在北京大学读"
    assert json.loads(tags or "") == ["O", "O", "B-ORG", "I-ORG", "I-ORG", "I-ORG", "O"]


def test_lists_of_characters_are_cut_as_words_and_stay_characters() -> None:
    pieces = pieces_of(as_cell([*"我学习中文", "NLP", "!"]), as_cell(["O"] * 7))
    assert [piece.text for piece in pieces] == ["我", "学习", "中文", "NLP", "!"]
    assert pieces[1].written("研究").words == ("研", "究")
    assert pieces[0].written("我们").words == ("我", "们")
    assert pieces[3].written("ML").words == ("ML",)
    whole_words = pieces_of(as_cell(["我", "喜欢", "北京"]), as_cell(["O"] * 3))
    assert [piece.written("热爱").words for piece in whole_words if piece.text == "喜欢"] == [("热爱",)]


def test_words_that_run_together_are_refused() -> None:
    first, _, second = pieces_of("fine film", as_cell(["O", "B-X"]))
    assert joined([first, second]) is None
    assert joined([]) == ("", None)


def test_tags_that_do_not_fit_leave_the_row_as_it_is() -> None:
    assert pieces_of("a b c", as_cell(["O"])) == [Piece("a b c", ("O",))]
