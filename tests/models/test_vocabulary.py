"""A tokenizer learnt from texts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from oreline.errors import DataError, UsageError
from oreline.models import vocabulary

TEXTS = [f"the unhappy film is {word} film number {number}, naïve 在北京" for number, word in enumerate("ab" * 20)]
IN_ANOTHER_PROCESS = """
import sys
from oreline.models.vocabulary import learn
texts = [f"the unhappy film is {word} film number {number}, naïve 在北京" for number, word in enumerate("ab" * 20)]
sys.stdout.write(learn(texts, size=90, pieces=sys.argv[1]).to_str())
"""


@pytest.mark.parametrize("pieces", vocabulary.PIECES)
def test_another_process_learns_the_same(pieces: str) -> None:
    """The library's own trainers number pieces in an order that changes from process to process."""
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, pieces], check=True, capture_output=True, text=True
    )
    assert done.stdout == vocabulary.learn(TEXTS, size=90, pieces=pieces).to_str()


@pytest.mark.parametrize("pieces", vocabulary.PIECES)
def test_words_characters_and_special_tokens(pieces: str) -> None:
    learnt = vocabulary.learn(TEXTS, size=400, pieces=pieces)
    assert [learnt.token_to_id(token) for token in vocabulary.SPECIAL] == [0, 1, 2, 3, 4]
    assert learnt.encode("Film 北京").tokens == ["[CLS]", "film", "北", "京", "[SEP]"]
    assert learnt.encode("the", "film").tokens == ["[CLS]", "the", "[SEP]", "film", "[SEP]"]
    assert learnt.encode("naive").tokens[1] in {"naive", "na"}
    assert "[UNK]" in learnt.encode("ж").tokens
    assert learnt.decode(learnt.encode("unhappy film").ids) == "unhappy film"
    assert learnt.encode(["the", "film"], is_pretokenized=True).word_ids == [None, 0, 1, None]


def test_capitals_stay_where_they_mean_something() -> None:
    learnt = vocabulary.learn(["Apple apple"] * 4, size=60, lowercase=False)
    assert learnt.encode("Apple").tokens != learnt.encode("apple").tokens


@pytest.mark.parametrize("pieces", vocabulary.PIECES)
def test_a_small_vocabulary_keeps_the_frequent_characters(pieces: str) -> None:
    learnt = vocabulary.learn(["一" * 9 + "二" * 5 + "三" * 4 + "四" * 3 + "五六"] * 3, size=20, pieces=pieces)
    assert learnt.get_vocab_size() <= 20
    assert learnt.encode("一二六").tokens[1:-1] == ["一", "二", "[UNK]"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=8))
def test_what_was_learnt_from_has_no_unknown_piece(texts: list[str]) -> None:
    try:
        learnt = vocabulary.learn(texts, size=4000)
    except DataError:
        return
    for text in texts:
        assert "[UNK]" not in learnt.encode(text).tokens


def test_transformers_opens_it_too(tmp_path: Path) -> None:
    learnt = vocabulary.learn(TEXTS, size=100)
    vocabulary.write(learnt, tmp_path, lowercase=True, max_tokens=512)
    opened = AutoTokenizer.from_pretrained(tmp_path)
    assert opened("The film")["input_ids"] == learnt.encode("The film").ids
    assert (opened.pad_token, opened.model_max_length) == ("[PAD]", 512)


def test_what_cannot_be_learnt_is_refused() -> None:
    with pytest.raises(DataError, match="no word"):
        vocabulary.learn(["", " \n"], size=100)
    with pytest.raises(UsageError, match="pieces is 'letters'"):
        vocabulary.learn(TEXTS, size=100, pieces="letters")
    with pytest.raises(UsageError, match="vocabulary is 3"):
        vocabulary.learn(TEXTS, size=3)
