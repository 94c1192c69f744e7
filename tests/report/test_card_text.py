"""The card's sentences: the same in both languages."""

from __future__ import annotations

import dataclasses
import re

import pytest

from oreline.report.card_text import CHINESE, ENGLISH

HAN = re.compile("[\u4e00-\u9fff]")
LANGUAGE_FREE = {"usage", "usage_encoder", "comma", "colon", "semicolon", "other_language"}


def test_the_languages_have_the_same_places_to_fill() -> None:
    for field in dataclasses.fields(ENGLISH):
        ours, theirs = getattr(ENGLISH, field.name), getattr(CHINESE, field.name)
        if isinstance(ours, str):
            assert sorted(re.findall(r"\{\w+\}", ours)) == sorted(re.findall(r"\{\w+\}", theirs)), field.name
        else:
            assert set(ours) == set(theirs), field.name


@pytest.mark.parametrize(
    "field", [field.name for field in dataclasses.fields(ENGLISH) if field.name not in LANGUAGE_FREE]
)
def test_every_sentence_is_in_its_language(field: str) -> None:
    ours, theirs = getattr(ENGLISH, field), getattr(CHINESE, field)
    pairs = [(ours, theirs)] if isinstance(ours, str) else [(ours[key], theirs[key]) for key in ours]
    for english, chinese in pairs:
        assert english
        assert not HAN.search(english)
        assert HAN.search(chinese)


def test_each_language_points_at_the_other() -> None:
    assert HAN.search(ENGLISH.other_language)
    assert "English" in CHINESE.other_language
