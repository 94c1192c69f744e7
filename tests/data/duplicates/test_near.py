"""Near-duplicates, against exact Jaccard indices of sets made by the standard library."""

from __future__ import annotations

import random
import re
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from oreline.data.duplicates import near
from oreline.data.duplicates.near import NearIndex, compared, from_frame, sketch, to_frame
from oreline.data.duplicates.shingles import similarities

WORDS = [f"word{number}" for number in range(300)]
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 300)]


def slow_shingles(text: str) -> set[tuple[str, ...]]:
    tokens = re.findall(r"[\u4e00-\u9fff]|(?:(?![\u4e00-\u9fff])[^\W_])+", text.lower())
    return set(pairwise(tokens)) if len(tokens) > 1 else {tuple(tokens)} - {()}


def slow_jaccard(first: str, second: str) -> float:
    a, b = slow_shingles(first), slow_shingles(second)
    return len(a & b) / len(a | b) if a and b else 0.0


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


def test_case_width_and_punctuation_do_not_count() -> None:
    index = NearIndex(pl.Series(["A fine film, really!", "这部电影很好看。"]))
    found = index.matches(pl.Series(["a FINE film - really", "这部电影很好看！！"]))
    assert [(pair.text, pair.indexed, pair.similarity) for pair in found] == [(0, 0, 1.0), (1, 1, 1.0)]


def test_an_index_of_sketches_is_that_of_their_texts() -> None:
    texts = pl.Series(["a fine film with a fine cast, truly", "...", "这部电影很好看，我很喜欢", "something else"])
    asked = pl.Series(["A fine film with a fine cast truly!", None, "这部电影很好看，我很喜欢！"])
    index = NearIndex.of([near.sketch(texts[:1]), near.sketch(texts[1:2]), near.sketch(texts[2:])])
    assert index.matches(asked) == NearIndex(texts).matches(asked)
    assert [(pair.text, pair.indexed) for pair in index.pairs(near.sketch(asked))] == [(0, 0), (2, 2)]
    assert NearIndex.of([]).matches(asked) == []


def test_texts_without_words_match_nothing() -> None:
    index = NearIndex(pl.Series(["...", "", None, "good"]))
    assert index.matches(pl.Series(["...", "", None, "?"])) == []
    assert [pair.indexed for pair in index.matches(pl.Series(["Good!"]))] == [3]
    assert NearIndex(pl.Series([], dtype=pl.String)).matches(pl.Series(["good"])) == []
    assert index.matches(pl.Series([], dtype=pl.String)) == []


def test_boilerplate_does_not_make_the_search_quadratic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "_MAX_PAIRS", 1000)
    index = NearIndex(pl.Series(["the very same text"] * 200))
    assert len(index.matches(pl.Series(["the very same text"] * 200))) == 1000
    assert index.num_skipped == 200 * 200 - 1000


@pytest.mark.parametrize("size", [None, 3])
def test_a_sketch_survives_as_columns(size: int | None) -> None:
    texts = ["a fine film", None, "word " * 55, "…", "好" * 60]
    found = sketch(pl.Series(texts), size=size)
    frame = to_frame(found, len(texts))
    assert frame.height == len(texts)
    again = from_frame(frame, found.keys_EB.shape[1])
    first, second = np.argsort(found.sets.text_E, kind="stable"), np.arange(len(again.sets.text_E))
    assert np.array_equal(found.keys_EB[first], again.keys_EB)
    assert similarities(found.sets, first, again.sets, second).tolist() == [1.0] * len(second)
    assert again.digest_N.tolist() == found.digest_N.tolist()
    assert again.counts_N.tolist() == [3, 0, 55, 0, 60]


def test_dialogues_are_compared_by_what_is_said() -> None:
    said = '[{"role": "user", "content": "Hello"}]'
    frame = pl.DataFrame({"text": [said, "[1] plain", "[{", None]})
    assert compared(frame, ["text"]).to_list() == ["user: Hello", "[1] plain", "[{", ""]
