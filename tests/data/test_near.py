"""Near-duplicates, against exact Jaccard indices of sets made by the standard library."""

from __future__ import annotations

import random
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data import near
from oreline.data.near import NearIndex, jaccard, shingles

WORDS = [f"word{number}" for number in range(300)]
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 300)]


def slow_shingles(text: str) -> set[tuple[str, ...]]:
    tokens = re.findall(r"[\u4e00-\u9fff]|(?:(?![\u4e00-\u9fff])[^\W_])+", text.lower())
    return set(pairwise(tokens)) if len(tokens) > 1 else {tuple(tokens)} - {()}


def slow_jaccard(first: str, second: str) -> float:
    a, b = slow_shingles(first), slow_shingles(second)
    return len(a & b) / len(a | b) if a and b else 0.0


@given(st.lists(st.text(st.sampled_from("ab1 ,.影片好\n-"), max_size=20), min_size=2, max_size=6))
def test_similarity_equals_that_of_the_sets(texts: list[str]) -> None:
    found = shingles(pl.Series(texts, dtype=pl.String))
    for first in range(len(texts)):
        for second in range(first):
            expected = slow_jaccard(texts[first], texts[second])
            assert jaccard(found.of(first), found.of(second)) == pytest.approx(expected)


def mutated(tokens: list[str], num_changes: int, source: random.Random, vocabulary: list[str]) -> list[str]:
    changed = list(tokens)
    for position in source.sample(range(len(tokens)), num_changes):
        changed[position] = source.choice(vocabulary)
    return changed


@pytest.mark.parametrize(("vocabulary", "joiner"), [(WORDS, " "), (HAN, "")], ids=["en", "zh"])
def test_neighbours_are_found_and_nothing_else(vocabulary: list[str], joiner: str) -> None:
    """Of the pairs at or above 0.8 at least 99 % are found, in both ways of writing, and no other pair is reported."""
    source = random.Random(0)
    originals = [source.choices(vocabulary, k=40) for _ in range(400)]
    indexed = [joiner.join(tokens) for tokens in originals]
    asked = [joiner.join(mutated(tokens, number % 8, source, vocabulary)) for number, tokens in enumerate(originals)]
    expected = {(n, n) for n in range(400) if slow_jaccard(asked[n], indexed[n]) >= 0.8}
    assert 100 < len(expected) < 300
    found = NearIndex(pl.Series(indexed)).matches(pl.Series(asked))
    pairs = {(pair.text, pair.indexed) for pair in found}
    assert pairs <= expected
    assert len(pairs) >= 0.99 * len(expected)
    for pair in found:
        assert pair.similarity == pytest.approx(slow_jaccard(asked[pair.text], indexed[pair.indexed]))


def test_candidates_appear_as_often_as_the_formula_says() -> None:
    """At 0.5 similarity a pair is a candidate with probability 1 - (1 - 0.5^5)^16 = 0.398."""
    source = random.Random(1)
    pairs = []
    while len(pairs) < 1500:
        first = source.choices(WORDS, k=60)
        second = mutated(first, 11, source, WORDS)
        if abs(slow_jaccard(" ".join(first), " ".join(second)) - 0.5) < 0.01:
            pairs.append((" ".join(first), " ".join(second)))
    firsts, seconds = (near._band_keys(shingles(pl.Series(texts))) for texts in zip(*pairs))
    rate = (firsts == seconds).any(axis=1).mean()
    assert rate == pytest.approx(1 - (1 - 0.5**5) ** 16, abs=0.06)


def test_case_width_and_punctuation_do_not_count() -> None:
    index = NearIndex(pl.Series(["A fine film, really!", "这部电影很好看。"]))
    found = index.matches(pl.Series(["a FINE film - really", "这部电影很好看！！"]))
    assert [(pair.text, pair.indexed, pair.similarity) for pair in found] == [(0, 0, 1.0), (1, 1, 1.0)]


def test_texts_without_words_match_nothing() -> None:
    index = NearIndex(pl.Series(["...", "", None, "good"]))
    assert index.matches(pl.Series(["...", "", None, "?"])) == []
    assert [pair.indexed for pair in index.matches(pl.Series(["Good!"]))] == [3]
    assert NearIndex(pl.Series([], dtype=pl.String)).matches(pl.Series(["good"])) == []
    assert index.matches(pl.Series([], dtype=pl.String)) == []


def test_marked_texts_are_not_looked_for() -> None:
    index = NearIndex(pl.Series(["a fine film", "a fine film"]))
    done = np.array([True, False])
    assert [pair.indexed for pair in index.matches(pl.Series(["a fine film"]), done=done)] == [1]


def test_boilerplate_does_not_make_the_search_quadratic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "_MAX_PAIRS", 1000)
    index = NearIndex(pl.Series(["the very same text"] * 200))
    assert len(index.matches(pl.Series(["the very same text"] * 200))) == 1000
    assert index.num_skipped == 200 * 200 - 1000


def test_the_signature_does_not_depend_on_the_company(reviews_csv: Path) -> None:
    """Texts are packed into one array; their neighbours in it must not matter."""
    texts = pl.read_csv(reviews_csv)["text"]
    together = near._band_keys(shingles(texts))
    alone = np.concatenate([near._band_keys(shingles(texts[number : number + 1])) for number in range(20)])
    assert np.array_equal(together[:20], alone)
