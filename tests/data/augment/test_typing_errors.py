"""Typing errors in both languages."""

from __future__ import annotations

import json
import random

import pytest

from oreline.data.augment.making import Row
from oreline.data.augment.typing_errors import Mistyping, keyboard

NOISES = ("keyboard", "transpose", "drop", "double", "sound", "shape")
MIXED = Row("a:1", "The waiter was Friendly, 服务员很热情，但是不好吃 in 2019", None, None)


def test_keys_beside_one_another() -> None:
    keys = keyboard()
    assert len(keys) == 26
    assert all(key in keys[other] for key, others in keys.items() for other in others)
    assert set(keys["q"]) == {"w", "a"}
    assert "f" in keys["g"]
    assert "p" not in keys["q"]


@pytest.mark.parametrize("noise", NOISES)
def test_each_kind_changes_words_of_its_language_alone(noise: str) -> None:
    for variant in Mistyping([noise], 0.2).variants(MIXED, random.Random(0), 8):  # type: ignore[list-item]
        assert variant is not None
        assert variant.how == noise
        assert variant.text != MIXED.text
        assert "2019" in variant.text
        assert "不" in variant.text
        is_chinese_same = "服务员很热情，但是不好吃" in variant.text
        assert is_chinese_same == (noise not in ("sound", "shape"))
        grown = {"drop": -1, "double": 1}.get(noise, 0)
        assert len(variant.text) - len(MIXED.text) == grown


def test_kinds_without_a_word_are_left_out() -> None:
    found = Mistyping(NOISES, 0.1).variants(Row("a:1", "good waiter", None, None), random.Random(0), 8)
    assert {variant.how for variant in found if variant} == set(NOISES[:4])
    assert Mistyping(NOISES[4:], 0.1).variants(Row("a:1", "good waiter", None, None), random.Random(0), 8) == []
    assert Mistyping(NOISES, 0.1).variants(Row("a:1", "No, 3 ok", None, None), random.Random(0), 8) == []


def test_entities_and_the_number_of_words_stay() -> None:
    tags = ["B-PER", "O", "O", "O"]
    row = Row("a:1", json.dumps(["Miller", "visited", "several", "towns"]), json.dumps(tags), None)
    for variant in Mistyping(NOISES, 0.5).variants(row, random.Random(0), 12):
        assert variant is not None
        assert json.loads(variant.text)[0] == "Miller"
        assert len(json.loads(variant.text)) == 4
        assert json.loads(variant.tags or "") == tags
