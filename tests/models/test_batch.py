"""Batches: rows padded on the right, masked only where something is padded."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from oreline.models.batch import make_batch

ROWS = st.lists(st.lists(st.integers(1, 30_000), min_size=1, max_size=12), min_size=1, max_size=6)


@given(ROWS)
def test_every_token_stands_in_its_place_and_the_rest_is_padding(rows: list[list[int]]):
    batch = make_batch([np.array(row, np.int32) for row in rows], pad_id=0)
    assert batch.num_rows == len(rows)
    assert batch.num_tokens == sum(map(len, rows))
    for index, row in enumerate(rows):
        assert batch.ids_BT[index, : len(row)].tolist() == row
        assert not batch.ids_BT[index, len(row) :].any()
    if len({len(row) for row in rows}) == 1:
        assert batch.mask_BT is None
    else:
        assert torch.equal(batch.mask_BT, (batch.ids_BT != 0).long())  # token ids here are never 0


def test_inputs_name_what_is_there():
    rows = [np.array([5, 6], np.int32), np.array([7], np.int32)]
    segments = [np.array([0, 1], np.int32), np.array([1], np.int32)]
    batch = make_batch(rows, pad_id=9, segments=segments, targets=np.array([1, 0]))
    assert batch.inputs()["token_type_ids"].tolist() == [[0, 1], [1, 0]]
    assert batch.ids_BT.tolist() == [[5, 6], [7, 9]]
    assert batch.targets.tolist() == [1, 0]
    assert batch.weight == 2.0
    assert sorted(make_batch(rows[:1], pad_id=9).inputs()) == ["input_ids"]


def test_a_width_pads_further_and_never_cuts():
    rows, segments = [np.array([5, 6], np.int32)] * 2, [np.array([0, 1], np.int32)] * 2
    batch = make_batch(rows, pad_id=9, segments=segments, targets=[np.array([1, 2]), np.array([3, -100])], width=4)
    assert batch.ids_BT.tolist() == [[5, 6, 9, 9]] * 2
    assert batch.mask_BT.tolist() == [[1, 1, 0, 0]] * 2
    assert batch.segments_BT.tolist() == [[0, 1, 0, 0]] * 2
    assert batch.targets.tolist() == [[1, 2, -100, -100], [3, -100, -100, -100]]
    assert (batch.num_tokens, batch.weight) == (4, 3.0)
    assert make_batch(rows, pad_id=9, width=1).ids_BT.tolist() == [[5, 6]] * 2


def test_answers_may_be_longer_than_what_is_read():
    rows, answers = [np.array([5], np.int32)] * 2, [np.array([1, 2, 3]), np.array([4])]
    batch = make_batch(rows, pad_id=0, targets=answers)
    assert batch.targets.tolist() == [[1, 2, 3], [4, -100, -100]]
    assert batch.weight == 4.0
