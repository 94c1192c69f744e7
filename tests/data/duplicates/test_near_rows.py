"""Clusters of near rows: what goes, what stays, and that chains do not remove what differs."""

from __future__ import annotations

import random
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from oreline.data.duplicates import near_rows as module
from oreline.data.duplicates.near import sketch
from oreline.data.duplicates.near_rows import NearRows, agreeing
from oreline.data.external import sorting
from oreline.data.external.sorting import coded

WORDS = [f"word{number}" for number in range(500)]
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 500)]


class Found(NamedTuple):
    dropped_D: NDArray[np.int64]
    kept_D: NDArray[np.int64]
    similarity_D: NDArray[np.float64]
    num_unmerged: int
    largest: int
    num_skipped: int


def found_in(
    texts: list[str],
    rank: list[int] | None = None,
    threshold: float = 0.8,
    frame: int = 7,
    max_bytes: int = 1 << 20,
) -> Found:
    rows = NearRows(threshold, max_bytes=max_bytes)
    series = pl.Series(texts, dtype=pl.String)
    for start in range(0, len(texts), frame):
        rows.add(sketch(series[start : start + frame], threshold=threshold))
    rank_N = np.array(rank if rank is not None else [0] * len(texts))
    found = rows.clusters(lambda place: rank_N[place])
    goes = [np.zeros((2, 0), np.int64), *map(np.stack, found.divided.drops.blocks())]
    dropped_D, kept_D = np.concatenate(goes, axis=1)
    similarity_D = found.similarity(dropped_D, kept_D)
    return Found(dropped_D, kept_D, similarity_D, *found.divided[1:], found.num_skipped)


def slow_set(words: list[str], size: int) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}


def slow_jaccard(a: set[tuple[str, ...]], b: set[tuple[str, ...]]) -> float:
    return len(a & b) / len(a | b)


@pytest.mark.parametrize(("vocabulary", "joiner"), [(WORDS, " "), (HAN, "")], ids=["en", "zh"])
@pytest.mark.parametrize(("length", "size"), [(30, 2), (90, 5)], ids=["short", "long"])
def test_planted_duplicates_are_found_and_nothing_else(
    vocabulary: list[str], joiner: str, length: int, size: int
) -> None:
    """Recall of the planted pairs at or above 0.8 at least 0.95, precision 1, by a slow exact comparison of all pairs."""
    source = random.Random(length)
    rows = [source.choices(vocabulary, k=length) for _ in range(120)]
    for original in rows[:80]:
        changed = list(original)
        for place in source.sample(range(length), source.randint(0, 3)):
            changed[place] = source.choice(vocabulary)
        rows.append(changed)
    sets = [slow_set(words, size) for words in rows]
    near = {(a, b) for a, b in combinations(range(200), 2) if slow_jaccard(sets[a], sets[b]) >= 0.8}
    assert 20 < len(near) <= 80
    found = found_in([joiner.join(words) for words in rows], frame=64)
    pairs = {(int(kept), int(dropped)) for kept, dropped in zip(found.kept_D, found.dropped_D)}
    assert pairs <= near
    assert len(pairs) >= 0.95 * len(near)
    for kept, dropped, similarity in zip(found.kept_D, found.dropped_D, found.similarity_D):
        assert similarity == pytest.approx(slow_jaccard(sets[kept], sets[dropped]))


def test_the_best_row_stays_and_equal_ones_follow_it() -> None:
    text = " ".join(WORDS[:40])
    texts = [text, "something else", text.upper(), f"{text} more", text]
    found = found_in(texts, rank=[1, 0, 1, 0, 1])
    assert found.dropped_D.tolist() == [0, 2, 4]
    assert found.kept_D.tolist() == [3, 3, 3]
    assert found.similarity_D.tolist() == pytest.approx([39 / 40] * 3)
    first = found_in(texts)
    assert (first.dropped_D.tolist(), first.kept_D.tolist()) == ([2, 3, 4], [0, 0, 0])


def test_a_chain_does_not_remove_what_differs() -> None:
    """Each text shares 0.8 with the next; the ends share nothing. A blow-up must not leave one row of them."""
    texts = [" ".join(WORDS[start : start + 40]) for start in range(0, 400, 4)]
    found = found_in(texts)
    assert found.largest == len(texts)
    assert found.similarity_D.min() >= 0.6
    stays = sorted(set(range(len(texts))) - set(found.dropped_D.tolist()))
    assert len(stays) == pytest.approx(len(texts) / 3, abs=10)
    assert set(found.kept_D.tolist()) <= set(stays)


def test_rows_that_are_left_after_all_rounds_stay_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oreline.data.duplicates.survivors._ROUNDS", 1)
    texts = [" ".join(WORDS[start : start + 40]) for start in range(0, 400, 4)]
    found = found_in(texts)
    assert 0 < len(found.dropped_D) < 5
    assert found.num_unmerged == len(texts) - len(found.dropped_D) - 1


def test_pairs_that_are_not_compared_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAIRS_PER_ROW", 0)
    monkeypatch.setattr(module, "_MORE_PAIRS", 3)
    texts = [f"{' '.join(WORDS[:40])} {word}" for word in WORDS[:20]]
    assert found_in(texts).num_skipped > 0


def test_many_alike_are_one_cluster_whatever_the_frames() -> None:
    texts = [f"{' '.join(WORDS[:60])} {word}" for word in WORDS[:100]]
    found = [found_in(texts, frame=frame) for frame in (100, 9)]
    for clusters in found:
        assert clusters.dropped_D.tolist() == list(range(1, 100))
        assert set(clusters.kept_D.tolist()) == {0}


def test_boilerplate_is_compared_with_what_connects_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compared with twelve neighbours and the first at once, each row would cost thirteen comparisons in a band."""
    num_pairs, compared = 0, module.similarities

    def counted(first: Any, first_P: Any, *second: Any) -> NDArray[np.float64]:
        nonlocal num_pairs
        num_pairs += len(first_P)
        return compared(first, first_P, *second)

    monkeypatch.setattr(module, "similarities", counted)
    texts = [f"{' '.join(WORDS[:60])} {word}" for word in WORDS[:300]]
    rows = NearRows(0.8)
    rows.add(sketch(pl.Series(texts), threshold=0.8))
    assert sum(map(len, rows.connected_rows().blocks())) == 300
    assert num_pairs < 2 * 300


def test_rows_without_words_are_never_alike() -> None:
    assert found_in(["", "...", "", "…"]).dropped_D.tolist() == []
    assert found_in([]).dropped_D.tolist() == []


WORDS_OF = st.lists(st.integers(0, 9), min_size=1, max_size=12)


@given(st.lists(st.tuples(WORDS_OF, st.integers(1, 40), st.integers(0, 3)), max_size=12), st.integers(1, 50))
def test_what_lies_on_disk_gives_the_same(made: list[tuple[list[int], int, int]], size: int) -> None:
    """Texts of any length, repeated and changed, with blocks of any size."""
    texts = [
        " ".join(WORDS[word] for word in words * times) + " more" * copy
        for words, times, copies in made
        for copy in range(copies + 1)
    ]
    rank = [len(text) % 5 for text in texts]
    expected = found_in(texts, rank)
    with pytest.MonkeyPatch.context() as patch:
        blocks = sorting.Sorted.blocks
        patch.setattr(sorting.Sorted, "blocks", lambda numbers: blocks(numbers, size))
        patch.setattr(sorting, "_LEAST_RUN", 3)
        found = found_in(texts, rank, max_bytes=0)
    for one, other in zip(expected, found):
        assert np.array_equal(one, other)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60)), unique=True).map(sorted), st.integers(1, 40))
def test_agreeing_sets_are_paired_with_the_next_and_the_first(pairs: list[tuple[int, int]], size: int) -> None:
    expected: list[tuple[int, int]] = []
    for key in range(4):
        sets = [own for at, own in pairs if at == key]
        for place, own in enumerate(sets):
            others = {sets[0], *sets[max(place - module._NEIGHBOURS, 0) : place]} if place else set()
            expected += [(other, own) for other in others]
    codes = coded(*np.array(pairs, np.int64).reshape(-1, 2).T)
    blocks = [codes[low : low + size] for low in range(0, len(codes), size)]
    found = [pair for first, second in agreeing(blocks) for pair in zip(first.tolist(), second.tolist())]
    assert sorted(found) == sorted(expected)
