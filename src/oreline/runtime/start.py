"""Vectors of a start model: an encoder that was trained for no task yet."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from oreline.runtime.batching import predict_in_batches
from oreline.tasks.texts import encode_texts
from oreline.types import Columns, Encoded, Predictions

MAX_TOKENS = 256


class StartRuntime:
    """Gives the vector of each text, read as the folder's `1_Pooling` says (the mean over tokens where it does not)."""

    precision = "fp32"
    token_budget = 2048
    task = SimpleNamespace(inputs=("text",), view="vectors", labels=())

    def __init__(self, folder: str | Path) -> None:
        """Open the model. Raises `ArtifactError` for a folder that holds no text encoder."""
        from oreline.models.heads.embedding import Head
        from oreline.models.load import tokenizer

        self._tokenizer = tokenizer(folder)
        self._head = Head()
        self._model: Any = self._head.module(Path(folder)).eval()

    def encode(self, columns: Columns) -> Encoded:
        """Tokenise texts, cut to 256 tokens."""
        return encode_texts(columns, self.task.inputs, self._tokenizer, MAX_TOKENS)

    def forward(self, encoded: Encoded, *, embeddings: bool = True) -> Predictions:
        """Return the vectors of one batch; there are no scores."""
        from oreline.models.batch import make_batch

        lengths_N = np.array([len(ids) for ids in encoded.ids], np.int64)
        if not encoded.ids:
            empty = np.empty((0, int(self._model.config.hidden_size)), np.float32)
            return Predictions({"scores": empty[:, :0]}, empty, lengths_N, encoded.truncated_N)
        batch = make_batch(encoded.ids, int(self._model.config.pad_token_id or 0), segments=encoded.segments)
        _, embedding_ND = self._head.outputs(self._model, batch)
        return Predictions({"scores": embedding_ND[:, :0]}, embedding_ND, lengths_N, encoded.truncated_N)

    def predict(self, columns: Columns, *, embeddings: bool = True) -> Predictions:
        """Return the vectors of any number of texts."""
        return predict_in_batches(self, columns, embeddings=embeddings)  # type: ignore[arg-type]
