"""Windows over long rows: every token is read, each from where it has most context."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.runtime.windows import by_row, cut, predict_words, ragged
from oreline.tasks.token_classification import Task
from oreline.types import Encoded, WordTokens, Written

TASK = Task(labels=["O", "B-X", "I-X"])


def encoded(lengths: list[int]) -> Encoded:
    """Rows of numbered tokens, each a word, between special tokens 1 and 2."""
    ids = [np.asarray([1, *range(100, 100 + length), 2], np.int32) for length in lengths]
    words = [WordTokens(np.arange(1, length + 1, dtype=np.int32), 1, 1) for length in lengths]
    return Encoded(ids, np.zeros(len(ids), bool), None, words)


@given(st.lists(st.integers(0, 60), max_size=6), st.integers(6, 20))
def test_windows_hold_every_token_and_no_more_than_fit(lengths: list[int], max_tokens: int) -> None:
    rows = encoded(lengths)
    windows = cut(rows, max_tokens)
    for ids, row, pick in zip(windows.encoded.ids, windows.rows_B, windows.picks):
        assert len(ids) <= max(max_tokens, 2)
        assert ids[0] == 1
        assert ids[-1] == 2
        np.testing.assert_array_equal(ids, rows.ids[row][pick])
        if len(rows.ids[row]) > max_tokens:
            assert len(ids) == max_tokens
    for row, ids in enumerate(rows.ids):
        seen = {int(place) for owner, pick in zip(windows.rows_B, windows.picks) if owner == row for place in pick}
        assert seen == set(range(len(ids)))


@given(st.lists(st.integers(0, 60), min_size=1, max_size=5), st.integers(6, 20), st.integers(6, 64))
def test_words_come_back_in_their_places(lengths: list[int], max_tokens: int, token_budget: int) -> None:
    def forward(batch: Encoded) -> tuple[np.ndarray, np.ndarray]:
        assert len(batch.ids) == 1 or len(batch.ids) * max(map(len, batch.ids)) <= token_budget
        width = max(map(len, batch.ids))
        logits = np.zeros((len(batch.ids), width, 3), np.float32)
        for place, ids in enumerate(batch.ids):
            logits[place, : len(ids), 1] = ids  # a token's answer is its own number
        return logits, np.asarray([[len(ids)] for ids in batch.ids], np.float32)

    class Raw:
        def activate(self, logits):
            return logits

    scores, embedding_ND = predict_words(
        encoded(lengths), forward, Raw(), max_tokens=max_tokens, token_budget=token_budget
    )
    for length, scores_WK in zip(lengths, scores):
        assert scores_WK[:, 1].tolist() == list(range(100, 100 + length))
    assert embedding_ND.shape == (len(lengths), 1)


def test_the_window_with_more_context_answers() -> None:
    rows = encoded([10])
    windows = cut(rows, 8)
    assert windows.starts_B.tolist() == [0, 4]

    def forward(batch: Encoded) -> tuple[np.ndarray, None]:
        first = np.asarray([ids[1] for ids in batch.ids])
        return np.tile(first[:, None, None], (1, 8, 1)).astype(np.float32), None

    class Raw:
        def activate(self, logits):
            return logits

    scores, none = predict_words(rows, forward, Raw(), max_tokens=8, token_budget=64)
    # Words 5 and 6 stand in both windows; 5 is last but one of the first (context 1), first of the second (0).
    assert scores[0][:, 0].tolist() == [100] * 5 + [104] * 5
    assert none is None


def test_rows_of_words_have_one_score_for_each_output() -> None:
    rows = ragged([np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]), np.empty((0, 3))])
    np.testing.assert_allclose(by_row(rows, 3), [[0.9, 0.8, 0], [0, 0, 0]], atol=1e-6)
    plain = np.ones((2, 3))
    assert by_row(plain, 3) is plain
    assert by_row(ragged([]), 3).shape == (0, 3)


@pytest.mark.parametrize("num_rows", [0, 1])
def test_no_rows_and_no_words(num_rows: int) -> None:
    def forward(batch: Encoded) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((len(batch.ids), 2, 3), np.float32), np.zeros((len(batch.ids), 4), np.float32)

    scores, embedding_ND = predict_words(encoded([0] * num_rows), forward, TASK, max_tokens=8, token_budget=64)
    assert [row.shape for row in scores] == [(0, 3)] * num_rows
    assert embedding_ND.shape == (num_rows, 4)


def test_the_first_token_is_that_of_the_first_window_or_of_the_one_where_it_scores_lowest() -> None:
    def forward(batch: Encoded) -> tuple[np.ndarray, None]:
        logits = np.ones((len(batch.ids), max(map(len, batch.ids)), 2), np.float32)
        for place, ids in enumerate(batch.ids):
            logits[place, 0] = -1 if 120 in ids else 5 + (100 in ids)
        return logits, None

    class Raw:
        def __init__(self, window_prefix: str | None) -> None:
            if window_prefix is not None:
                self.window_prefix = window_prefix

        def activate(self, logits):
            return logits

    rows = encoded([40])
    rows = rows._replace(words=[rows.words[0]._replace(places_W=np.insert(rows.words[0].places_W, 0, 0))])
    for which, expected in ((None, 6), ("first", 6), ("lowest", -1)):
        scores, _ = predict_words(rows, forward, Raw(which), max_tokens=12, token_budget=64)
        assert scores[0][0].tolist() == [expected] * 2
        assert (scores[0][1:] == 1).all()


def test_written_answers_have_the_probability_of_the_best() -> None:
    rows = ragged([Written(("a", "b"), (0.5, 0.25)), Written(("",), (0.125,))])
    assert by_row(rows, 1).tolist() == [[0.5], [0.125]]
