"""Words and their places: spaced scripts, Chinese, mixtures, and no noise from jieba."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.explain.words import split, without

SAMPLE = "ab Z9'-.,! \n\t这部电影好看，。かナกำक्षि😀👍🏽e\u0301\u200d\u3000"
mixed = st.text(alphabet=st.sampled_from(list(SAMPLE)), max_size=60)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  \n ", []),
        ("one", ["one"]),
        ("A well-made film, isn't it?", ["A", "well-made", "film", ",", "isn't", "it", "?"]),
        ("Schöne   Grüße", ["Schöne", "Grüße"]),
        ("rock 'n' roll - yes", ["rock", "'", "n", "'", "roll", "-", "yes"]),
        ("这部电影非常好看，我很喜欢。", ["这部", "电影", "非常", "好看", "，", "我", "很", "喜欢", "。"]),
        ("iPhone15手机很喜欢 great!!!", ["iPhone15", "手机", "很", "喜欢", "great", "!!!"]),
        ("ありがとう", ["あ", "り", "が", "と", "う"]),
        ("อร่อย", ["อ", "ร่", "อ", "ย"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("좋은 영화", ["좋은", "영화"]),
        ("good👍🏽👨‍👩‍👧 3.5/5", ["good", "👍🏽👨‍👩‍👧", "3", ".", "5", "/", "5"]),
        ("cafe\u0301 noir", ["cafe\u0301", "noir"]),
    ],
)
def test_words(text: str, words: list[str]):
    assert [word for word, _, _ in split(text)] == words


@given(st.text(max_size=80) | mixed)
def test_places_are_exact_and_nothing_but_white_space_is_lost(text: str):
    words = split(text)
    end_of_last = 0
    for word, start, end in words:
        assert text[start:end] == word != ""
        assert all(map(_is_no_word, text[end_of_last:start]))
        assert start >= end_of_last
        end_of_last = end
    assert all(map(_is_no_word, text[end_of_last:]))


def _is_no_word(character: str) -> bool:
    """White space, and accents and joiners, which belong to it when they follow it."""
    return character.isspace() or unicodedata.category(character) in {"Mn", "Mc", "Me", "Cf"}


@given(st.text(max_size=60) | mixed)
def test_dropping_nothing_and_everything(text: str):
    words = split(text)
    assert without(text, []) == text
    assert not split(without(text, words))


@given(mixed, st.randoms(use_true_random=False))
def test_the_words_that_are_kept_stay_in_order(text: str, source):
    words = [word for word in split(text) if word.word.isascii() and word.word.isalpha()]
    dropped = [word for word in words if source.random() < 0.5]
    rest = "".join(without(text, dropped).split())
    places = {place for _, start, end in dropped for place in range(start, end)}
    assert rest == "".join("".join(c for place, c in enumerate(text) if place not in places).split())


@pytest.mark.parametrize(
    ("drop", "left"),
    [([0], "good film"), ([1], "a film"), ([2], "a good "), ([0, 1], "film"), ([1, 2], "a "), ([0, 1, 2], "")],
)
def test_one_space_goes_with_each_word(drop: list[int], left: str):
    text = "a good film"
    words = split(text)
    assert without(text, [words[place] for place in drop]) == left
    assert without(text, [words[place] for place in reversed(drop)]) == left


def test_chinese_words_leave_no_gap():
    text = "我很喜欢这部电影"
    [liked] = [word for word in split(text) if word.word == "喜欢"]
    assert without(text, [liked]) == "我很这部电影"


def test_a_long_text_takes_linear_time_and_keeps_its_places():
    text = "good 电影! " * 10_000
    words = split(text)
    assert len(words) == 30_000
    assert words[-1] == ("!", len(text) - 2, len(text) - 1)
    assert without(text, words).strip() == ""


def test_jieba_is_silent_and_leaves_no_file(tmp_path: Path):
    """In a fresh interpreter, compiled afresh, warnings as errors: nothing on stderr, nothing in the shared folder."""
    command = "from oreline.explain.words import split; print([word for word, _, _ in split('我喜欢电影')])"
    shared = tmp_path / "tmp"
    shared.mkdir()
    environment = {**os.environ, "TMPDIR": str(shared), "PYTHONPYCACHEPREFIX": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "utf8", "-c", command],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "['我', '喜欢', '电影']"
    assert list(shared.iterdir()) == []


def test_words_of_spaced_scripts_do_not_load_jieba():
    command = "import sys; from oreline.explain.words import split; split('a good film'); print('jieba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
