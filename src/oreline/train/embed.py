"""Vectors of texts from a start model as it is, without training.

Shape suffixes: N rows, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from oreline.models.base import base_folder
from oreline.models.batch import make_batch
from oreline.models.load import load_encoder, max_positions
from oreline.models.pooling import PooledEncoder
from oreline.models.sentence import read_pooling
from oreline.models.tokenizing import tokenizer
from oreline.runtime.batching import CHUNK_ROWS, length_batches
from oreline.tasks.texts import encode_texts
from oreline.train.encoder import GPU_PREDICT_TOKENS, PREDICT_TOKENS
from oreline.train.precision import best_device

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_TOKENS = 256
"""Longer texts are read by their beginning."""


class StartEncoder:
    """A pretrained encoder that turns texts into vectors of length 1.

    The states are pooled as the folder says (sentence-transformers' layout), else averaged.

    Args:
        folder: a model folder in transformers' layout.

    Raises `ArtifactError` when the folder holds no encoder.
    """

    def __init__(self, folder: str | Path) -> None:
        place = base_folder(Path(folder))
        self._device = best_device()
        self._model = PooledEncoder(load_encoder(place), read_pooling(place) or "mean").to(self._device).eval()
        self._tokenizer = tokenizer(place)
        self._max_tokens = min(MAX_TOKENS, max_positions(self._model))
        self._pad_id = int(self._model.config.pad_token_id or 0)
        self._token_budget = PREDICT_TOKENS if self._device == "cpu" else GPU_PREDICT_TOKENS

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a vector for each text, (N, D)."""
        vectors_ND = np.zeros((len(texts), int(self._model.config.hidden_size)), np.float32)
        for start in range(0, len(texts), CHUNK_ROWS):
            part = list(texts[start : start + CHUNK_ROWS])
            ids = encode_texts({"text": part}, ("text",), self._tokenizer, self._max_tokens).ids
            lengths_N = np.asarray([len(row) for row in ids], np.int64)
            for rows in length_batches(lengths_N, self._token_budget):
                batch = make_batch([ids[row] for row in rows], self._pad_id, device=self._device)
                with torch.inference_mode():
                    vectors_ND[start + rows] = self._model(**batch.inputs()).pooled.float().cpu().numpy()
        return vectors_ND
