"""Predict with a transformers model: `config.json`, `model.safetensors`, `tokenizer.json`.

Shape suffixes: N rows, B rows of one batch, T tokens, D width, K classes.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from oreline.generation import Asked, Generation
from oreline.models.base import base_folder
from oreline.models.batch import make_batch
from oreline.models.generation import end_id, refuse_too_long
from oreline.models.members import opened
from oreline.models.tokenizing import tokenizer
from oreline.models.writing import decoded, end_ids, has_words, tidied, write
from oreline.runtime.batching import length_batches, predict_in_batches, take
from oreline.runtime.open import open_task
from oreline.runtime.windows import answered, predictions
from oreline.types import Columns, Encoded, Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
        self._whole_budget = self.token_budget * (16 if self._device == "cuda" else 1)
        self.token_budget = self._whole_budget
        self._tokenizer = tokenizer(base_folder(artifact.path))
        self._head, model = opened(self.task, artifact.path)
        self.model = model.to(self._device).eval()
        self._pad_id = int(self.model.config.pad_token_id or 0)
        if self.task.view == "texts":
            self._has_words = has_words(self._tokenizer)
            self.set_generation({})

    def set_generation(self, given: Mapping[str, Any] | Generation) -> None:
        """Change how texts are written; what is not given stays. Raises `UsageError` for a wrong setting."""
        task: Any = self.task
        self.task = task.with_generation(given)
        refuse_too_long(self.model, self.task.generation)  # type: ignore[attr-defined]
        width = max(self.task.generation.num_beams, self.task.generation.num_answers)  # type: ignore[attr-defined]
        self.token_budget = max(self._whole_budget // width, 1)

    def written_by(self, generation: Generation) -> Runtime:
        """Return the same model, in memory once, that writes otherwise. Raises `UsageError` for a wrong setting."""
        other = copy.copy(self)
        other.set_generation(generation)
        return other

    @property
    def end_ids(self) -> list[int]:
        """The tokens that end an answer."""
        return end_ids(self.task, self._tokenizer) or [end_id(self.model, self.task)]

    def decoded(self, ids: Sequence[int]) -> str:
        """Return what tokens say, special ones left out, with the white space around it."""
        return decoded(self._tokenizer, ids)

    def tidied(self, text: str) -> str:
        """Return the answer that a text of tokens is."""
        return tidied(text, by_word=self._has_words)

    def encode(self, columns: Columns) -> Encoded:
        """Tokenise rows, cut to the length the model was trained with."""
        return self.task.encode(columns, self._tokenizer, self.artifact.manifest.max_tokens)

    def forward(
        self, encoded: Encoded, *, embeddings: bool = False, asked: Sequence[Asked] | None = None
    ) -> Predictions:
        """Run one batch; the embedding is the vector that the head reads.

        Of a model that writes, `asked` is what each row asks for of its own: it is told the tokens as they are written.
        """
        if self.task.view == "texts":
            return self._written(encoded, embeddings=embeddings, asked=asked)
        return answered(self, encoded, self._run, embeddings=embeddings)

    def predict(self, columns: Columns, *, embeddings: bool = False) -> Predictions:
        """Run any number of rows: sorted by length, cut into batches by token budget, restored to order."""
        return predict_in_batches(self, columns, embeddings=embeddings)

    def costs(self, columns: Columns, targets: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return what given answers cost a model that writes, in nats, (N,), and their numbers of tokens, (N,).

        A row of whose answer nothing fits has no tokens.
        """
        task, limit = self.task, self.artifact.manifest.max_tokens
        found = task.pieces(columns, list(targets), self._tokenizer, limit, end_id(self.model, task))  # type: ignore[attr-defined]
        encoded, answers = found.encoded, found.targets
        row_of = np.arange(len(targets)) if found.rows is None else found.rows
        lengths_P = np.asarray([max(len(ids), len(ans)) for ids, ans in zip(encoded.ids, answers)], dtype=np.int64)
        nats_N, tokens_N = np.zeros(len(targets)), np.zeros(len(targets), dtype=np.int64)
        make = getattr(self._head, "make_batch", make_batch)
        for pieces in length_batches(lengths_P, self.token_budget):
            some, wanted = take(encoded, pieces), [answers[piece] for piece in pieces]
            batch = make(some.ids, self._pad_id, segments=some.segments, targets=wanted, device=self._device)
            with self._own_threads():
                nats_N[row_of[pieces]], tokens_N[row_of[pieces]] = self._head.costs(self.model, batch)
        return nats_N, tokens_N

    def _written(self, encoded: Encoded, *, embeddings: bool, asked: Sequence[Asked] | None) -> Predictions:
        """Answer one batch with texts."""
        if not encoded.ids:
            width = int(self.model.config.hidden_size)
            empty_0D = np.empty((0, width), np.float32) if embeddings else None
            return predictions(encoded, np.empty(0, dtype=object), empty_0D)
        given: Any = {"pad_id": self._pad_id, "device": self._device, "asked": asked}
        with self._own_threads():
            scores, embedding_BD = write(self._head, self.model, encoded, self._tokenizer, self.task, **given)
        return predictions(encoded, scores, embedding_BD if embeddings else None)

    def _run(self, encoded: Encoded, *, embeddings: bool) -> tuple[Any, Any]:
        """Return the head's logits, and the embeddings where asked."""
        if not encoded.ids:
            width = int(self.model.config.hidden_size)
            empty_0D = np.empty((0, width), np.float32) if embeddings else None
            return np.empty((0, len(self.task.labels)), np.float32), empty_0D
        batch = make_batch(
            encoded.ids,
            self._pad_id,
            segments=encoded.segments,
            places=encoded.places,
            device=self._device,
        )
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
