"""Heads over tokens share how a model is opened and what it returns."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from oreline.models.batch import make_batch
from oreline.models.tokens import TokenHead


def test_an_answer_for_each_token_and_the_mean_of_their_states(tiny_start: Path) -> None:
    head = TokenHead(num_labels=2)
    model = head.module(tiny_start).eval()
    rows = [np.array([2, 7, 3], np.int32), np.array([2, 7, 8, 9, 3], np.int32)]
    logits_BTK, embedding_BD = head.outputs(model, make_batch(rows, 0))
    assert logits_BTK.shape == (2, 5, 2)
    alone, alone_embedding = head.outputs(model, make_batch(rows[:1], 0))
    np.testing.assert_allclose(alone[0], logits_BTK[0, :3], atol=1e-5)
    np.testing.assert_allclose(alone_embedding[0], embedding_BD[0], atol=1e-5)
