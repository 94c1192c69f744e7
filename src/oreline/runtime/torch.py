"""Predict with a transformers model: `config.json`, `model.safetensors`, `tokenizer.json`.

Shape suffixes: N rows, B rows of one batch, T tokens, D width, K classes.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from oreline import registry
from oreline.models.base import base_folder
from oreline.models.batch import make_batch
from oreline.models.load import tokenizer
from oreline.runtime.batching import predict_in_batches
from oreline.runtime.open import open_task, reads_embedding, scored
from oreline.runtime.windows import predict_words, predictions
from oreline.types import Columns, Encoded, Predictions

if TYPE_CHECKING:
    from oreline.store import Artifact


class Runtime:
    """Predicts with torch: the form that training writes, and the yardstick of every compressed one."""

    precision = "fp32"
    token_budget = 2048

    def __init__(self, artifact: Artifact, *, threads: int | None = None) -> None:
        """Load an artifact's weights, on the GPU where there is one. `threads` are CPU threads; all cores when None."""
        self.artifact = artifact
        self.task = open_task(artifact)
        self._threads = threads
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._tokenizer = tokenizer(base_folder(artifact.path))
        self._head = registry.create("head", self.task.head, num_labels=len(self.task.labels))
        self.model = self._head.module(artifact.path).to(self._device).eval()
        self._pad_id = int(self.model.config.pad_token_id or 0)

    def encode(self, columns: Columns) -> Encoded:
        """Tokenise rows, cut to the length the model was trained with."""
        return self.task.encode(columns, self._tokenizer, self.artifact.manifest.max_tokens)

    def forward(self, encoded: Encoded, *, embeddings: bool = False) -> Predictions:
        """Run one batch; the embedding is the vector that the head reads."""
        run = functools.partial(self._run, embeddings=embeddings or reads_embedding(self.task))
        if encoded.words is not None:
            max_tokens = self.artifact.manifest.max_tokens
            answered = predict_words(encoded, run, self.task, max_tokens=max_tokens, token_budget=self.token_budget)
            return predictions(encoded, *answered)
        logits_BK, embedding_BD = run(encoded)
        scores_BK = scored(self.task, logits_BK, embedding_BD)
        return predictions(encoded, scores_BK, embedding_BD if embeddings else None)

    def predict(self, columns: Columns, *, embeddings: bool = False) -> Predictions:
        """Run any number of rows: sorted by length, cut into batches by token budget, restored to order."""
        return predict_in_batches(self, columns, embeddings=embeddings)

    def _run(self, encoded: Encoded, *, embeddings: bool) -> tuple[Any, Any]:
        """Return the head's logits, and the embeddings where asked."""
        if not encoded.ids:
            width = int(self.model.config.hidden_size)
            empty_0D = np.empty((0, width), np.float32) if embeddings else None
            return np.empty((0, len(self.task.labels)), np.float32), empty_0D
        batch = make_batch(encoded.ids, self._pad_id, segments=encoded.segments, device=self._device)
        with torch.inference_mode(), self._own_threads():
            logits, embedding_BD = self._head.outputs(self.model, batch)
        return logits, embedding_BD if embeddings else None

    @contextlib.contextmanager
    def _own_threads(self) -> Iterator[None]:
        # The number of threads belongs to the process: set for this call, given back after it.
        before = torch.get_num_threads()
        if self._threads and self._threads != before:
            torch.set_num_threads(self._threads)
        try:
            yield
        finally:
            if torch.get_num_threads() != before:
                torch.set_num_threads(before)
