"""One vector for each text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from oreline.models.batch import make_batch
from oreline.models.heads.embedding import Head
from oreline.models.load import load_encoder, save_model

ROWS = [np.array([2, 7, 9, 11, 3], np.int32), np.array([2, 8, 3], np.int32)]


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_vectors_are_pooled_states_of_length_one(pooling: str, tiny_start: Path):
    head = Head(pooling=pooling)
    vectors, again = head.outputs(head.module(tiny_start).eval(), make_batch(ROWS, 0))
    np.testing.assert_array_equal(vectors, again)
    encoder = load_encoder(tiny_start).eval()
    for row, vector in zip(ROWS, vectors):
        with torch.inference_mode():
            states = encoder(input_ids=torch.from_numpy(row[None].astype(np.int64))).last_hidden_state[0].numpy()
        expected = states[0] if pooling == "first" else states.mean(axis=0)
        np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-5)


def test_the_pooling_is_kept_in_the_folder(tiny_start: Path, tmp_path: Path):
    head = Head(pooling="first")
    model = head.module(tiny_start).eval()
    before, _ = head.outputs(model, make_batch(ROWS, 0))
    save_model(model, tmp_path)
    opened = Head()
    after, _ = opened.outputs(opened.module(tmp_path).eval(), make_batch(ROWS, 0))
    np.testing.assert_allclose(after, before, atol=1e-6)
