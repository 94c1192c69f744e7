"""EDA's operations, in both languages, with tags."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

from oreline.data.augment.making import Row
from oreline.data.augment.pieces import cut
from oreline.data.augment.rewording import Rewording
from oreline.metrics.tags import entities
from oreline.words import as_cell, words_of

SYNONYMS = {"film": ["movie"], "fine": ["good"], "电影": ["影片"], "喜欢": ["爱"]}
ENGLISH = Row("a:1", "This is not a fine film, and the cast is dull.", None, None)
CHINESE = Row("a:2", "我不喜欢这部电影，演员很差。", None, None)


def made(how: Any, row: Row, num: int = 6, share: float = 0.2) -> list[Any]:
    return Rewording([how], SYNONYMS, share).variants(row, random.Random(0), num)


@pytest.mark.parametrize("row", [ENGLISH, CHINESE])
def test_operations_do_what_they_say_and_leave_negations_alone(row: Row) -> None:
    before = Counter(cut(row.text))
    negation = "not" if row is ENGLISH else "不"
    for how in ("synonym", "insert", "swap", "delete"):
        for variant in made(how, row):
            after = Counter(cut(variant.text))
            assert negation in variant.text
            assert variant.how == how
            if how == "swap":
                assert sorted(variant.text) == sorted(row.text)
            elif how == "delete":
                assert len(variant.text) < len(row.text)
                assert "  " not in variant.text
            else:
                assert (after - before).keys() <= {"movie", "good", "影片", "爱", "Good", " "}


def test_chinese_gets_no_spaces_and_english_does() -> None:
    assert all(" " not in variant.text for variant in made("insert", CHINESE))
    assert all(len(variant.text.split()) > len(ENGLISH.text.split()) for variant in made("insert", ENGLISH))


def test_the_case_is_kept() -> None:
    [variant] = made("synonym", Row("a:1", "FINE Film", None, None), num=1, share=1.0)
    assert variant.text == "GOOD Movie"


def test_without_synonyms_the_others_are_left() -> None:
    found = Rewording(("synonym", "insert", "swap"), {}, 0.1).variants(ENGLISH, random.Random(0), 4)
    assert [variant.how for variant in found if variant] == ["swap"] * 4
    assert Rewording(("synonym",), {}, 0.1).variants(ENGLISH, random.Random(0), 4) == []


@pytest.mark.parametrize("text", ["", "not", "3 !", "不", "fine"])
def test_texts_with_too_few_words(text: str) -> None:
    for how in ("swap", "delete"):
        assert made(how, Row("a:1", text, None, None)) == []


@pytest.mark.parametrize("is_list", [True, False])
def test_entities_stay_as_they_are(is_list: bool) -> None:
    words = ["Ann", "met", "Bob", "Lee", "and", "liked", "a", "fine", "film", "of", "北", "京", "电", "影"]
    tags = ["B-PER", "O", "B-PER", "I-PER", "O", "O", "O", "O", "O", "O", "B-LOC", "I-LOC", "O", "O"]
    text = as_cell(words) if is_list else "Ann met Bob Lee and liked a fine film of 北京电影"
    row = Row("a:1", text, as_cell(tags), None)
    wanted = sorted(["Ann", "Bob Lee", "北 京" if is_list else "北京"])
    for how in ("synonym", "insert", "swap", "delete"):
        variants = [variant for variant in made(how, row, num=20) if variant is not None]
        assert variants
        for variant in variants:
            written, found = words_of(variant.text)
            given = json.loads(variant.tags)
            assert len(found) == len(given)
            spans = [written[found[e.start].start : found[e.end - 1].end] for e in entities(given, "bio")]
            assert sorted(spans) == wanted


def test_a_word_between_two_entities_is_not_deleted() -> None:
    row = Row("a:1", as_cell(["Ann", "and", "Bob", "ran", "home"]), as_cell(["I-P", "O", "I-P", "O", "O"]), None)
    assert all(len(entities(json.loads(variant.tags), "bio")) == 2 for variant in made("delete", row, num=20))
