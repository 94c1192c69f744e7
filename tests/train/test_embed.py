"""Vectors of a start model: the same whatever stands beside a text, and those of transformers itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from oreline.train.embed import StartEncoder

TEXTS = ["a great film", "an awful film with a plot that goes on and on " * 60, "", "great"]


def test_vectors_are_the_mean_of_the_last_states(tiny_start: Path) -> None:
    encoder = StartEncoder(tiny_start)
    vectors_ND = encoder.embed(TEXTS)
    model, tokenizer = AutoModel.from_pretrained(tiny_start).eval(), AutoTokenizer.from_pretrained(tiny_start)
    for text, vector_D in zip(TEXTS[::3], vectors_ND[::3], strict=True):
        with torch.no_grad():
            states_TD = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        mean_D = states_TD.mean(dim=0).numpy()
        assert np.allclose(vector_D, mean_D / np.linalg.norm(mean_D), atol=1e-5)
    alone_ND = np.concatenate([encoder.embed([text]) for text in TEXTS])
    assert np.allclose(alone_ND, vectors_ND, atol=1e-5)
    assert encoder.embed([]).shape == (0, vectors_ND.shape[1])
