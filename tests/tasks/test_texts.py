"""A class for each pair of texts: ids, token types, and what is cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.models.tokenizing import tokenizer
from oreline.tasks.pair import Task
from oreline.tasks.texts import split_room

PAIRS = [("great film", "a dull and tedious movie"), ("", "superb"), ("the story", ""), ("great " * 40, "film " * 9)]


@pytest.mark.parametrize("max_tokens", [64, 16, 10])
def test_ids_and_types_are_those_that_tokenizers_itself_makes(tiny_start: Path, max_tokens: int):
    ours, theirs = tokenizer(tiny_start), tokenizer(tiny_start)
    theirs.enable_truncation(max_tokens, strategy="longest_first")
    columns = {"text": [first for first, _ in PAIRS], "text_pair": [second for _, second in PAIRS]}
    encoded = Task(labels=["no", "yes"]).encode(columns, ours, max_tokens)
    assert encoded.segments is not None
    for pair, ids, types, was_cut in zip(PAIRS, encoded.ids, encoded.segments, encoded.truncated_N):
        cut = theirs.encode(*pair)
        assert (ids.tolist(), types.tolist()) == (cut.ids, cut.type_ids)
        assert was_cut == (len(ours.encode(*pair).ids) > max_tokens)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 200))
def test_the_longer_text_gives_way_first(num_first: int, num_second: int, room: int):
    first, second = split_room(num_first, num_second, room)
    assert first <= num_first
    assert second <= num_second
    assert first + second == min(room, num_first + num_second)
    if first < num_first and second < num_second:
        assert abs(first - second) <= 1
    elif first < num_first:
        assert first >= second
    elif second < num_second:
        assert second >= first - 1
