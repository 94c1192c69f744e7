"""Answers: their forms, their places, and both official comparisons against slow versions of their own."""

from __future__ import annotations

import re
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.metrics.answers import Answer, compared, locate, located, parse

WORDS = st.lists(
    st.sampled_from(["the", "The", "a", "Eiffel", "tower,", "tower", "1,912", "an", "-", "paris"]), max_size=6
)
CHINESE = st.lists(st.sampled_from([*"北京市的，。A3.", "iPhone ", "12 "]), max_size=9).map("".join)


def squad(given_text: str, truth: str) -> tuple[float, float]:
    """The evaluation of SQuAD 2.0, step by step as its paper and its users describe it."""

    def folded(text: str) -> str:
        kept = "".join(mark for mark in text.lower() if mark not in set(string.punctuation))
        return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())

    one, other = folded(given_text).split(), folded(truth).split()
    exact = float(folded(given_text) == folded(truth))
    if not one or not other:
        return exact, float(one == other)
    both = sum((Counter(one) & Counter(other)).values())
    if not both:
        return exact, 0.0
    precision, recall = both / len(one), both / len(other)
    return exact, 2 * precision * recall / (precision + recall)


def cmrc(given_text: str, truth: str) -> tuple[float, float]:
    """The evaluation of CMRC 2018: characters and words in order, the longest run in both."""

    def segments(text: str) -> list[str]:
        found, word = [], ""
        for mark in text.lower():
            is_han, is_mark = "\u4e00" <= mark <= "\u9fa5", mark in "，。：？！-"
            if is_han or is_mark or mark.isspace():
                found += [word] if word else []
                word = ""
                found += [mark] if is_han else []
            else:
                word += mark
        return [part for piece in [*found, word] if piece for part in re.findall(r"\w+(?:\.\w+)*|\S", piece)]

    one, other = segments(given_text), segments(truth)
    runs = {(i, j) for i in range(len(one)) for j in range(i + 1, len(one) + 1)}
    texts = [other[i:j] for i in range(len(other)) for j in range(i + 1, len(other) + 1)]
    best = max((j - i for i, j in runs if one[i:j] in texts), default=0)
    exact = float("".join(one) == "".join(other))
    if not one or not other:
        return float(one == other), float(one == other)
    return exact, 0.0 if not best else 2 * best / (len(one) + len(other))


@given(WORDS, st.lists(WORDS, max_size=3))
def test_english_is_compared_as_squad_does(given_words: list[str], truths: list[list[str]]) -> None:
    text, others = " ".join(given_words), [" ".join(words) for words in truths]
    expected = [squad(text, truth) for truth in others or [""]]
    found = compared(text, others)
    assert found == pytest.approx((max(exact for exact, _ in expected), max(f1 for _, f1 in expected)))


@given(CHINESE, CHINESE)
def test_chinese_is_compared_as_cmrc_does(text: str, truth: str) -> None:
    if any("\u4e00" <= mark <= "\u9fa5" for mark in text + truth):
        assert compared(text, [truth]) == pytest.approx(cmrc(text, truth))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("1912", [("1912", None)]),
        ("[sic] is the answer", [("[sic] is the answer", None)]),
        (["1912", "in 1912"], [("1912", None), ("in 1912", None)]),
        ([{"text": "1912", "answer_start": 3}, {"text": "", "answer_start": -1}], [("1912", 3)]),
        ({"text": ["1912", "x"], "answer_start": [3, 0]}, [("1912", 3), ("x", 0)]),
        ({"text": [], "answer_start": []}, []),
        ('{"text": ["1912"], "start": [3]}', [("1912", 3)]),
        ({"text": "1912"}, [("1912", None)]),
        ([{"text": "1912", "start": "3"}], [("1912", 3)]),
        ([{"text": None, "start": None}], []),
        (None, []),
        ("  ", []),
    ],
)
def test_forms(target: object, expected: list[tuple[str, int | None]]) -> None:
    assert parse(target) == expected


@pytest.mark.parametrize(
    "target", [3.5, [{"text": "a", "start": "x"}], {"text": ["a"], "start": [1, 2]}, [["a", 3]], [{"txt": "a"}]]
)
def test_what_is_no_answer(target: object) -> None:
    with pytest.raises(ValueError, match=r"no answer|no place|places|no 'text'"):
        parse(target)


@given(st.text(max_size=40), st.data())
def test_an_answer_cut_from_a_context_is_found_where_it_was_cut(context: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(context)))
    end = data.draw(st.integers(start, len(context)))
    text = context[start:end]
    if not text.strip():
        return
    answer, note = locate(context, text, start)
    assert note == ""
    assert context[answer.start : answer.end] == answer.text == text.strip()
    assert start <= answer.start <= answer.end <= end
    without, note = locate(context, text, None)
    assert note in ("found", "ambiguous")
    assert context[without.start : without.end].split() == text.split()
    assert without.start <= answer.start


def test_places_that_do_not_hold() -> None:
    assert locate("a b a b", "b", 5) == (Answer("b", 6, 7), "moved")
    assert locate("in  New\nYork", "New York", 4) == (Answer("New\nYork", 4, 12), "spaced")
    assert locate("in New York", " New York ", 3)[0] == Answer("New York", 3, 11)
    with pytest.raises(ValueError, match="'Rome' is not in its context"):
        locate("in New York", "Rome", 3)


def test_an_answer_that_is_missing_beside_one_that_is_not() -> None:
    found = located("born in 1912", [("nineteen twelve", 0), ("1912", None)])
    assert found == [(Answer("1912", 8, 12), "found"), (Answer("nineteen twelve"), "missing")]
    with pytest.raises(ValueError, match="not in its context"):
        located("born in 1912", [("Rome", None)])
    with pytest.raises(ValueError, match="the context is empty"):
        located(" ", [("Rome", None)])
    assert located("", []) == []
