"""Predict with a linear model over character n-grams: JSON and safetensors, NumPy only.

Features are those of scikit-learn's `TfidfVectorizer(analyzer="char", sublinear_tf=True)`; the tests compare them. The
embedding, which monitoring needs, is the row's TF-IDF vector folded into a few hundred dimensions by a count sketch
(Charikar, Chen & Farach-Colton 2002), which keeps inner products in expectation and needs no stored matrix.

Shape suffixes: N rows, V n-grams, K classes, D sketch dimensions, E n-gram occurrences of all rows together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save_file

from oreline.errors import ArtifactError
from oreline.runtime.batching import predict_in_batches
from oreline.runtime.open import open_task, reads_embedding, scored
from oreline.types import Columns, Encoded, Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.store import Artifact

VOCABULARY_FILE = "linear.json"
WEIGHTS_FILE = "linear.safetensors"
SKETCH_WIDTH = 256
_WHITE_SPACE = re.compile(r"\s\s+")


@dataclass(frozen=True, slots=True)
class LinearModel:
    """The parameters of a linear text classifier."""

    shortest: int
    longest: int
    """Lengths of its n-grams, in characters, both included."""
    vocabulary: Sequence[str]
    """V n-grams in index order."""
    idf_V: NDArray[np.float32]
    weights_VK: NDArray[np.float32]
    bias_K: NDArray[np.float32]


def write_model(folder: Path, model: LinearModel) -> None:
    """Write `linear.json` and `linear.safetensors`."""
    settings = {
        "shortest": model.shortest,
        "longest": model.longest,
        "vocabulary": list(model.vocabulary),
    }
    (folder / VOCABULARY_FILE).write_text(json.dumps(settings, ensure_ascii=False), encoding="utf-8")
    arrays = {"idf": model.idf_V, "weights": model.weights_VK, "bias": model.bias_K}
    save_file({name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}, folder / WEIGHTS_FILE)


def read_model(artifact: Artifact) -> LinearModel:
    """Read a linear model. Raises `ArtifactError` when its parts do not fit together."""
    settings: dict[str, Any] = json.loads(artifact.file(VOCABULARY_FILE).read_text(encoding="utf-8"))
    arrays = load_file(artifact.file(WEIGHTS_FILE))
    model = LinearModel(
        int(settings["shortest"]),
        int(settings["longest"]),
        settings["vocabulary"],
        arrays["idf"],
        arrays["weights"],
        arrays["bias"],
    )
    shapes = (len(model.vocabulary),), (len(model.vocabulary), len(model.bias_K))
    if (model.idf_V.shape, model.weights_VK.shape) != shapes:
        raise ArtifactError(
            f"the vocabulary has {len(model.vocabulary):,} n-grams, the weights have shape {model.weights_VK.shape}",
            where=str(artifact.path),
        )
    return model


def ngrams(text: str, shortest: int, longest: int) -> Iterator[str]:
    """Yield every run of characters of the given lengths, lower case, white space folded.

    >>> list(ngrams("Ab c", 2, 3))
    ['ab', 'b ', ' c', 'ab ', 'b c']
    """
    text = _WHITE_SPACE.sub(" ", text.lower())
    for length in range(shortest, longest + 1):
        for start in range(len(text) - length + 1):
            yield text[start : start + length]


def joined_texts(columns: Columns, roles: Sequence[str]) -> list[str]:
    """Return the texts of each row as one, each on a line of its own.

    >>> joined_texts({"text": ["a"], "text_pair": ["b"]}, ("text", "text_pair"))
    ['a\\nb']
    """
    return ["\n".join(map(str, row)) for row in zip(*(columns[role] for role in roles), strict=True)]


class Runtime:
    """Predicts with a linear model; needs neither torch, tokenizers nor scikit-learn."""

    precision = "fp32"
    token_budget = 1 << 18  # n-grams; nothing is padded, so this only bounds memory

    def __init__(self, artifact: Artifact, *, threads: int | None = None) -> None:
        """Load an artifact. `threads` is taken for the sake of the interface: sums over n-grams run on one."""
        self.artifact = artifact
        self.task = open_task(artifact)
        self.model = read_model(artifact)
        self._index = {ngram: index for index, ngram in enumerate(self.model.vocabulary)}

    def encode(self, columns: Columns) -> Encoded:
        """Turn texts into the ids of their known n-grams, repeated as often as they occur. Nothing is cut."""
        model, find = self.model, self._index.get
        ids = []
        for text in joined_texts(columns, self.task.inputs):
            found = (find(ngram) for ngram in ngrams(text, model.shortest, model.longest))
            ids.append(np.fromiter((index for index in found if index is not None), dtype=np.int32))
        return Encoded(ids, np.zeros(len(ids), dtype=bool))

    def forward(self, encoded: Encoded, *, embeddings: bool = False) -> Predictions:
        """Return `scores` of shape (N, K), and the sketch of shape (N, D) where asked."""
        num_rows, width = len(encoded.ids), len(self.model.vocabulary)
        lengths_N = np.asarray([len(ids) for ids in encoded.ids], dtype=np.int64)
        rows_E = np.repeat(np.arange(num_rows), lengths_N)
        ids_E = np.concatenate([*encoded.ids, np.empty(0, np.int32)]).astype(np.int64)
        cells, counts = np.unique(rows_E * width + ids_E, return_counts=True)
        rows, ids = np.divmod(cells, width)
        values = (1 + np.log(counts)) * self.model.idf_V[ids]
        norm_N = np.sqrt(np.bincount(rows, values**2, minlength=num_rows))
        values /= np.where(norm_N > 0, norm_N, 1)[rows]
        logits_NK = np.stack(
            [
                np.bincount(rows, values * self.model.weights_VK[ids, k], num_rows)
                for k in range(len(self.model.bias_K))
            ],
            axis=1,
        )
        wanted = embeddings or reads_embedding(self.task)
        embedding_ND = _sketch(rows, ids, values, num_rows) if wanted else None
        scores_NK = scored(self.task, logits_NK + self.model.bias_K, embedding_ND)
        return Predictions({"scores": scores_NK}, embedding_ND if embeddings else None, lengths_N, encoded.truncated_N)

    def predict(self, columns: Columns, *, embeddings: bool = False) -> Predictions:
        """Run any number of rows."""
        return predict_in_batches(self, columns, embeddings=embeddings)


def _sketch(
    rows: NDArray[np.int64], ids: NDArray[np.int64], values: NDArray[np.floating], num_rows: int
) -> NDArray[np.float32]:
    # Two bits of a multiplicative hash (Knuth): the bucket, and a sign that makes collisions cancel on average.
    hashed = (ids.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    buckets = (hashed >> np.uint64(40)).astype(np.int64) % SKETCH_WIDTH
    signs = np.where((hashed >> np.uint64(39)) & np.uint64(1), 1.0, -1.0)
    sketch = np.bincount(rows * SKETCH_WIDTH + buckets, values * signs, minlength=num_rows * SKETCH_WIDTH)
    return sketch.reshape(num_rows, SKETCH_WIDTH).astype(np.float32)
