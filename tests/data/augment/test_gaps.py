"""Words that a model puts into gaps."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

from oreline.data.augment.gaps import Filling
from oreline.data.augment.making import Row
from oreline.words import as_cell


class Filler:
    """Gives the same words for every gap, and remembers what it was asked."""

    def __init__(self, *words: tuple[str, float]) -> None:
        self.words, self.asked = list(words), list[tuple[str, str]]()

    def fill(self, gaps: Sequence[tuple[str, str]], top: int) -> list[list[tuple[str, float]]]:
        self.asked += gaps
        return [self.words[:top] for _ in gaps]


def texts_of(row: Row, filler: Filler, share: float = 0.2, num: int = 6) -> list[tuple[str, str | None]]:
    filling = Filling(share, 0.02)
    [opened] = filling.asked(filler, [row], [random.Random(0)], num)
    found = filling.variants(opened, random.Random(0), num)
    return [(variant.text, variant.tags) for variant in found if variant is not None]


def test_whole_english_words_and_single_chinese_characters() -> None:
    filler = Filler(("great", 0.5), ("大", 0.4), ("not", 0.3), ("不", 0.3), ("rare", 0.001), ("!", 0.2), ("3", 0.2))
    row = Row("a:1", "Not a Fine film, 这部电影", None, None)
    for text, _ in texts_of(row, filler, num=20):
        assert text.startswith("Not ")
        assert "rare" not in text
        assert text.count("大") + text.lower().count("great") == 1
    assert all("[" not in before + after for before, after in filler.asked)
    for before, after in filler.asked:
        size = len(row.text) - len(before) - len(after)
        assert row.text == before + row.text[len(before) : len(before) + size] + after
    assert texts_of(Row("a:1", "Great", None, None), filler, num=2) == [], "the word itself is no other"


def test_tags_stay_with_their_words() -> None:
    row = Row("a:1", as_cell(["Ann", "saw", "北", "京"]), as_cell(["B-PER", "O", "B-LOC", "I-LOC"]), None)
    filler = Filler(("met", 0.5))
    for text, tags in texts_of(row, filler):
        assert json.loads(text) == ["Ann", "met", "北", "京"]
        assert tags == row.tags
    assert filler.asked == [(" Ann ", "北京")]


def test_rows_without_a_word() -> None:
    assert texts_of(Row("a:1", "3, 不!", None, None), Filler(("a", 0.5))) == []
