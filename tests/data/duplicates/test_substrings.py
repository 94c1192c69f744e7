"""Repeated stretches, against a slow search of all pairs of places."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oreline.data.duplicates.substrings import repeated, snapped

pytest.importorskip("pydivsufsort")


def slow_repeats(texts: list[str], least: int) -> list[set[int]]:
    """Return, for each text, the bytes covered by stretches of `least` that stand before without overlapping."""
    joined = [(number, place) for number, text in enumerate(texts) for place in range(len(text.encode()))]
    stretches: dict[bytes, int] = {}
    covered: list[set[int]] = [set() for _ in texts]
    for at, (number, place) in enumerate(joined):
        stretch = texts[number].encode()[place : place + least]
        if len(stretch) < least:
            continue
        first = stretches.setdefault(stretch, at + number)
        if at + number >= first + least:
            covered[number].update(range(place, place + least))
    return covered


@settings(deadline=None, max_examples=60)
@example(["aaaaaaaaaaaaaaaaaaaa"])
@example(["影片很好影片很好影片", "影片很好"])
@given(st.lists(st.text(st.sampled_from("ab 影é"), max_size=24), max_size=4))
def test_stretches_equal_those_of_a_slow_search(texts: list[str]) -> None:
    found = repeated(texts, 8)
    for text, spans, covered in zip(texts, found, slow_repeats(texts, 8)):
        edges = [len(text[:place].encode()) for place in range(len(text) + 1)]
        whole = {place for place in range(len(text)) if set(range(edges[place], edges[place + 1])) <= covered}
        assert {place for start, end in spans for place in range(start, end)} == whole


@pytest.mark.parametrize(
    ("text", "span", "boundary", "cut"),
    [
        ("It ended. Call us today, dear. Bye", (5, 32), "sentence", "Call us today, dear. "),
        ("It ended. Call us today, dear. Bye", (1, 23), "word", " ended. Call us today"),
        ("It ended. Call us today", (3, 20), "sentence", None),
        ("好看。请大家关注我们的频道！再见", (1, 15), "sentence", "请大家关注我们的频道！"),
        ("好看。请大家关注我们", (4, 8), "word", "大家关注"),
        ("don't stop", (2, 10), "word", " stop"),
    ],
)
def test_cuts_lie_between_sentences_or_words(text: str, span: tuple[int, int], boundary: str, cut: str | None) -> None:
    found = snapped(text, span, boundary)
    assert (None if found is None else text[slice(*found)]) == cut
