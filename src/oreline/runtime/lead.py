"""Copy the beginning of what is read: the baseline of tasks that answer with texts. Needs no model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oreline.errors import ArtifactError
from oreline.runtime.batching import predict_in_batches
from oreline.runtime.open import open_task
from oreline.types import Columns, Encoded, Predictions, Written
from oreline.words import units

if TYPE_CHECKING:
    from oreline.store import Artifact

FILE = "lead.json"
_WIDTH = 64
"""Of the embedding: characters are counted in so many buckets."""


def lead(text: str, num_words: int) -> str:
    """Return the first words of a text, with what stands between them.

    >>> lead("One, two three.", 3), lead("这部电影很好看", 4), lead("short", 10)
    ('One, two', '这部电影', 'short')
    """
    found = units(text)
    return text.strip() if len(found) <= num_words else text[found[0].start : found[num_words - 1].end]


class Runtime:
    """Answers every text with its first words, as many as a true answer has on average."""

    precision = "fp32"
    token_budget = 1 << 18  # characters; nothing is padded, so this only bounds memory

    def __init__(self, artifact: Artifact, *, threads: int | None = None) -> None:
        """Load an artifact. `threads` is taken for the sake of the interface."""
        self.artifact = artifact
        self.task = open_task(artifact)
        self.num_words = _read(artifact)

    def encode(self, columns: Columns) -> Encoded:
        """Turn texts into their characters. Nothing is cut."""
        texts = (str(text) for text in columns[self.task.inputs[0]])
        ids = [np.fromiter(map(ord, text), dtype=np.int32) for text in texts]
        return Encoded(ids, np.zeros(len(ids), dtype=bool))

    def forward(self, encoded: Encoded, *, embeddings: bool = False) -> Predictions:
        """Return the beginnings, each with the probability 1, and counts of characters as embedding."""
        scores = np.empty(len(encoded.ids), dtype=object)
        for row, ids in enumerate(encoded.ids):
            scores[row] = Written((lead("".join(map(chr, ids)), self.num_words),), (1.0,))
        counted = [np.bincount(ids % _WIDTH, minlength=_WIDTH) / max(len(ids), 1) for ids in encoded.ids]
        embedding_ND = np.asarray(counted, np.float32).reshape(-1, _WIDTH) if embeddings else None
        lengths_N = np.asarray([len(ids) for ids in encoded.ids], dtype=np.int64)
        return Predictions({"scores": scores}, embedding_ND, lengths_N, encoded.truncated_N)

    def predict(self, columns: Columns, *, embeddings: bool = False) -> Predictions:
        """Run any number of rows."""
        return predict_in_batches(self, columns, embeddings=embeddings)


def _read(artifact: Artifact) -> int:
    file: Path = artifact.file(FILE)
    try:
        return int(json.loads(file.read_text(encoding="utf-8"))["num_words"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{FILE} cannot be read: {error}", where=str(file)) from error
