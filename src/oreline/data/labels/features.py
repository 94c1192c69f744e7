"""What rows are compared by where labels are judged: a frozen encoder's vectors, or character n-grams without one.

Shape suffixes: N rows, D vector width, V n-grams, F queries, R some of them, J neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]

_BATCH = 1024
MAX_CHARACTERS = 2000
"""Of a text whose n-grams are counted: a label is mostly told by its beginning, and memory stays in bounds."""
_SHORTEST, _LONGEST, _MAX_NGRAMS = 1, 4, 60_000
_BLOCK, _SORTED = 512, 64
"""Rows whose cosines to all others are worked out together, and those that are sorted by them."""


class Embedder(Protocol):
    """A bound model, as far as it gives vectors."""

    def embed(self, texts: list[str]) -> NDArray[np.floating]:
        """Return a vector for each text, (N, D)."""
        ...


def row_features(texts: Sequence[str], encoder: Embedder | None = None) -> Any:
    """Return a row of unit length for each text: dense float32 (N, D) from an encoder, sparse (N, V) from n-grams.

    The n-grams have 1 to 4 characters and TF-IDF weights, so that Chinese needs no segmenter.

    Args:
        texts: the rows.
        encoder: a bound model; n-grams are counted when there is none.
    """
    if encoder is None:
        return _ngrams([text[:MAX_CHARACTERS] for text in texts])
    parts = [encoder.embed(list(texts[start : start + _BATCH])) for start in range(0, len(texts), _BATCH)]
    return unit(np.concatenate([np.asarray(part, np.float32) for part in parts]))


def unit(vectors_ND: NDArray[np.floating]) -> NDArray[np.float32]:
    """Scale vectors to length 1; a zero vector stays.

    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    length_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    return np.asarray(vectors_ND / np.where(length_N1 > 0, length_N1, 1), np.float32)


def dense(features: Any, width: int = 256, seed: int = 0) -> NDArray[np.float32]:
    """Return features as dense unit vectors: sparse ones by their largest singular directions.

    A layer for a hundred classes over these has a hundredth of the weights.

    Args:
        features: what `row_features` returned.
        width: most directions that are kept.
        seed: of the randomised decomposition.
    """
    if isinstance(features, np.ndarray):
        return features
    from sklearn.decomposition import TruncatedSVD

    width = min(width, min(features.shape) - 1)
    if width < 1:
        return unit(features.toarray())
    return unit(TruncatedSVD(width, random_state=seed).fit_transform(features))


def nearest(features: Any, rows_F: Codes, codes_N: Codes, num: int) -> tuple[Codes, NDArray[np.float32]]:
    """Return the rows nearest to some rows by cosine, the nearest first, (F, J), with their similarities.

    Args:
        features: unit rows, dense or sparse, (N, …).
        rows_F: the rows asked about.
        codes_N: rows of the same code as the one asked about are never its neighbours: copies of it, say.
        num: neighbours of each; -1 stands where there are fewer.
    """
    num_rows = features.shape[0]
    found_FJ = np.full((len(rows_F), num), -1, np.int64)
    similarity_FJ = np.zeros((len(rows_F), num), np.float32)
    most = min(num, num_rows)
    for start in range(0, len(rows_F) if most else 0, _BLOCK):
        rows = rows_F[start : start + _BLOCK]
        product = features[rows] @ features.T
        cosine = np.asarray(product if isinstance(product, np.ndarray) else product.toarray(), np.float32)
        for low in range(0, len(rows), _SORTED):  # orders take 8 bytes where cosines take 4
            some = slice(low, low + _SORTED)
            at = slice(start + low, start + min(low + _SORTED, len(rows)))
            best, values = _best(cosine[some], codes_N[rows[some]], codes_N, most)
            found_FJ[at, :most], similarity_FJ[at, :most] = best, values
    return found_FJ, similarity_FJ


def _best(
    cosine_RN: NDArray[np.float32], codes_R: Codes, codes_N: Codes, most: int
) -> tuple[Codes, NDArray[np.float32]]:
    """Return the nearest rows of another code, -1 where there are fewer, and their similarities."""
    cosine_RN[codes_R[:, None] == codes_N[None, :]] = -np.inf
    best = np.argpartition(-cosine_RN, most - 1, axis=1)[:, :most]
    order = np.argsort(-np.take_along_axis(cosine_RN, best, 1), axis=1, kind="stable")
    best = np.take_along_axis(best, order, 1)
    values = np.take_along_axis(cosine_RN, best, 1)
    return np.where(np.isfinite(values), best, -1), np.where(np.isfinite(values), values, 0)


def _ngrams(texts: list[str]) -> Any:
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        analyzer="char",
        ngram_range=(_SHORTEST, _LONGEST),
        sublinear_tf=True,
        min_df=2 if len(texts) >= 200 else 1,
        max_features=_MAX_NGRAMS,
        dtype=np.float32,
    )
    try:
        return vectorizer.fit_transform(texts)
    except ValueError:  # no n-gram at all: every text is empty
        return csr_matrix((len(texts), 1), dtype=np.float32)
