"""Batches by length: every row once, within the budget; answers come back in order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from oreline.runtime import batching
from oreline.types import Encoded


@given(st.lists(st.integers(0, 300), max_size=200), st.integers(1, 4096), st.integers(1, 64))
def test_every_row_once_within_the_budget(lengths, token_budget: int, max_rows: int):
    lengths_N = np.array(lengths, dtype=np.int64)
    batches = batching.length_batches(lengths_N, token_budget, max_rows)
    assert sorted(np.concatenate([*batches, np.empty(0, np.int64)]).tolist()) == list(range(len(lengths)))
    for rows in batches:
        assert len(rows) <= max_rows
        assert len(rows) == 1 or len(rows) * max(lengths_N[rows].max(), 1) <= token_budget


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(1, 8))
def test_padding_is_to_a_multiple_and_masked(lengths, multiple: int):
    rows = [np.arange(1, length + 1, dtype=np.int32) for length in lengths]
    ids_BT, mask_BT = batching.pad(rows, 0, multiple)
    assert ids_BT.shape[1] % multiple == 0
    assert mask_BT.sum(1).tolist() == lengths
    assert (ids_BT[mask_BT == 0] == 0).all()


def test_answers_come_back_in_order(linear_model, monkeypatch):
    from oreline.runtime.open import open_runtime

    monkeypatch.setattr(batching, "CHUNK_ROWS", 7)
    runtime = open_runtime(linear_model)
    texts = [f"film {'great ' * (number % 5)}{'dull ' * (number % 3)}" for number in range(50)]
    joined = runtime.predict({"text": texts}).outputs["scores"]
    alone = [runtime.predict({"text": [text]}).outputs["scores"][0] for text in texts]
    np.testing.assert_allclose(joined, alone, atol=1e-6)


def test_taking_rows_keeps_segments_and_places():
    ids, places = [np.ones(1, np.int32), np.ones(2, np.int32)], [np.zeros(2), np.ones(2)]
    encoded = Encoded(ids, np.array([True, False]), [np.zeros(1), np.ones(2)], places=places)
    joined = batching.join([batching.take(encoded, np.array([row])) for row in (1, 0)])
    assert [row.tolist() for row in joined.places] == [[1, 1], [0, 0]]
    taken = batching.take(encoded, np.array([1]))
    assert len(taken.ids[0]) == 2
    assert taken.truncated_N.tolist() == [False]
    assert taken.segments is not None
