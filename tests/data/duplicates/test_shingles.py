"""Sets of shingles and their similarity, against sets made by the standard library."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.data.duplicates import shingles as module
from oreline.data.duplicates.shingles import LONG, MIDDLE, SHORT, Sets, shingle_sets, similarities
from oreline.data.duplicates.tokens import tokens


def sets_of(texts: list[str], near: float = 0.8, size: int | None = None) -> Sets:
    return shingle_sets(tokens(pl.Series(texts, dtype=pl.String)), near=near, size=size)


def slow_set(text: str, size: int) -> set[tuple[str, ...]]:
    words = re.findall(r"[\u4e00-\u9fff]|[a-z]+", text)
    runs = {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}
    return runs or {tuple(words)} - {()}


@settings(deadline=None)
@given(
    st.lists(st.text(st.sampled_from("abc 影片好"), max_size=30), min_size=2, max_size=5),
    st.sampled_from([1, 2, 3, 5]),
)
def test_similarity_equals_that_of_the_sets(texts: list[str], size: int) -> None:
    sets = sets_of(texts, size=size)
    assert sets.text_E.tolist() == [number for number, text in enumerate(texts) if slow_set(text, size)]
    for one, first in enumerate(sets.text_E.tolist()):
        for other, second in enumerate(sets.text_E.tolist()):
            a, b = slow_set(texts[first], size), slow_set(texts[second], size)
            found = similarities(sets, np.array([one]), sets, np.array([other]))
            assert found[0] == pytest.approx(len(a & b) / len(a | b))


@pytest.mark.parametrize(
    ("num_tokens", "english", "chinese"),
    [
        (1, [SHORT], [SHORT]),
        (49, [SHORT], [SHORT]),
        (50, [SHORT, MIDDLE], [SHORT, MIDDLE]),
        (62, [SHORT, MIDDLE], [SHORT, MIDDLE]),
        (63, [MIDDLE], [MIDDLE]),
        (2000, [MIDDLE], [MIDDLE, LONG]),
        (2600, [MIDDLE], [LONG]),
    ],
)
def test_the_size_follows_the_length(num_tokens: int, english: list[int], chinese: list[int]) -> None:
    sets = sets_of(["word " * num_tokens, "影" * num_tokens])
    assert sorted(sets.size_E[sets.text_E == 0].tolist()) == english
    assert sorted(sets.size_E[sets.text_E == 1].tolist()) == chinese


def test_many_pairs_are_compared_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    sets = sets_of(["a b c d", "a b c e", "x y z"])
    first, second = np.array([0, 0, 1, 0]), np.array([1, 2, 1, 0])
    whole = similarities(sets, first, sets, second).tolist()
    assert whole == [0.5, 0.0, 1.0, 1.0]
    monkeypatch.setattr(module, "_BLOCK", 3)
    assert similarities(sets, first, sets, second).tolist() == whole


def test_sets_of_different_sizes_are_not_alike() -> None:
    sets = sets_of(["word " * 10, "word " * 100])
    assert similarities(sets, np.array([0]), sets, np.array([1])).tolist() == [0.0]
