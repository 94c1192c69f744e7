"""Texts within longer ones, against a search by the standard library."""

from __future__ import annotations

import random

import polars as pl
import pytest

from oreline.data.duplicates.contained import ContainedIndex

WORDS = [f"word{number}" for number in range(60)]
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 60)]


@pytest.mark.parametrize(("vocabulary", "joiner", "size"), [(WORDS, " ", 13), (HAN, "", 20)], ids=["en", "zh"])
def test_shares_equal_those_of_a_slow_search(vocabulary: list[str], joiner: str, size: int) -> None:
    source = random.Random(0)
    asked = [source.choices(vocabulary, k=source.randint(5, 60)) for _ in range(40)]
    documents = []
    for words in asked:
        changed = [source.choice(vocabulary) if source.random() < 0.01 else word for word in words]
        documents.append([*source.choices(vocabulary, k=30), *changed, *source.choices(vocabulary, k=30)])

    def cut(words: list[str]) -> set[tuple[str, ...]]:
        return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}

    expected = {}
    for document, held in enumerate(documents):
        for number, words in enumerate(asked):
            if cut(words) and (share := len(cut(words) & cut(held)) / len(cut(words))) >= 0.8:
                expected[document, number] = share
    assert len(expected) > 15
    index = ContainedIndex(pl.Series([joiner.join(words) for words in asked]))
    found = index.matches(pl.Series([joiner.join(words) for words in documents]))
    assert {(pair.text, pair.indexed): pair.similarity for pair in found} == pytest.approx(expected)


def test_short_texts_and_empty_ones_are_not_looked_for() -> None:
    index = ContainedIndex(pl.Series(["good film", "", None, "很好"]))
    assert index.matches(pl.Series(["what a good film 很好", None])) == []
    assert ContainedIndex(pl.Series([], dtype=pl.String)).matches(pl.Series(["a"])) == []
