"""Reject what lies far from every class among the embeddings.

Shape suffixes: N rows, K classes, D embedding width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np

from oreline.errors import UsageError
from oreline.rejectors.rejecting import Rejecting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.types import Signals

Measure = Literal["mahalanobis", "cosine"]


class Rejector(Rejecting):
    """The distance from a text's embedding to the mean of the nearest class of the training rows.

    `mahalanobis`: `min_k (x - m_k)ᵀ S⁻¹ (x - m_k)`, with one covariance S of all classes, shrunk towards its mean
    variance by Ledoit and Wolf's share. `cosine`: `1 - max_k cos(x, m_k)`.

    Source: Lee, Lee, Lee and Shin, A Simple Unified Framework for Detecting Out-of-Distribution Samples, NeurIPS 2018;
    Ledoit and Wolf, A Well-Conditioned Estimator for Large-Dimensional Covariance Matrices, 2004.

    Args:
        measure: `mahalanobis` or `cosine`.
        label: of the rows that belong to no class; `oos` when not set.
        keep: share of dev's in-scope rows that are kept, where dev has fewer than ten out-of-scope rows.
        max_loss: in-scope accuracy that may be lost on dev; when not set, the mean of in-scope accuracy and
            out-of-scope recall is made as high as it gets.
    """

    reads_embedding: ClassVar[bool] = True

    def __init__(
        self,
        *,
        measure: Measure = "mahalanobis",
        label: str | None = None,
        keep: float = 0.95,
        max_loss: float | None = None,
    ) -> None:
        super().__init__(label=label, keep=keep, max_loss=max_loss)
        if measure not in get_args(Measure):
            raise UsageError(f"reject: the measure is {measure!r}", allowed=", ".join(get_args(Measure)))
        self.measure = measure

    def remember(
        self, embedding_ND: NDArray[np.floating], targets_N: NDArray[np.int64]
    ) -> dict[str, NDArray[np.float32]]:
        """Return what is kept of the in-scope training rows: `means` (K, D), and `whitening` (D, D) where it is needed.

        Euclidean distances after `x @ whitening` are Mahalanobis distances before it.
        """
        classes = np.unique(targets_N)
        rows_ND = embedding_ND.astype(np.float64)
        if self.measure == "cosine":
            rows_ND = _unit(rows_ND)
            means_KD = _unit(np.stack([rows_ND[targets_N == k].mean(axis=0) for k in classes]))
            return {"means": means_KD.astype(np.float32)}
        means_KD = np.stack([rows_ND[targets_N == k].mean(axis=0) for k in classes])
        centred_ND = rows_ND - means_KD[np.searchsorted(classes, targets_N)]
        variances_D, axes_DD = np.linalg.eigh(shrunk_covariance(centred_ND))
        whitening_DD = axes_DD / np.sqrt(variances_D)
        return {
            "means": (means_KD @ whitening_DD).astype(np.float32),
            "whitening": np.ascontiguousarray(whitening_DD, np.float32),
        }

    def far(self, signals: Signals, memory: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return how far outside each row lies, (N,)."""
        if signals.embedding_ND is None:
            raise ValueError("distances are measured between embeddings, and there are none")
        means_KD = memory["means"].astype(np.float64)
        rows_ND = signals.embedding_ND.astype(np.float64)
        if self.measure == "cosine":
            return np.asarray(1 - (_unit(rows_ND) @ means_KD.T).max(axis=1))
        rows_ND = rows_ND @ memory["whitening"]
        squares_NK = (rows_ND**2).sum(axis=1, keepdims=True) - 2 * rows_ND @ means_KD.T + (means_KD**2).sum(axis=1)
        return np.asarray(np.maximum(squares_NK.min(axis=1), 0.0))


def shrunk_covariance(centred_ND: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (1 - s) C + s tr(C)/D I, C the covariance of centred rows, s Ledoit and Wolf's share, never singular.

    >>> shrunk_covariance(np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])).round(3).tolist()
    [[1.292, 0.0], [0.0, 1.208]]
    """
    num_rows, width = centred_ND.shape
    covariance_DD = centred_ND.T @ centred_ND / num_rows
    mean = np.trace(covariance_DD) / width
    spread = ((covariance_DD - mean * np.eye(width)) ** 2).sum()
    squares_ND = centred_ND**2
    noise = ((squares_ND.T @ squares_ND / num_rows).sum() - (covariance_DD**2).sum()) / num_rows
    share = 1.0 if not spread else float(np.clip(noise / spread, 1e-6, 1.0))
    shrunk_DD = (1 - share) * covariance_DD + share * max(mean, 1e-12) * np.eye(width)
    return np.asarray(shrunk_DD)


def _unit(rows_ND: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rows_ND / np.maximum(np.linalg.norm(rows_ND, axis=1, keepdims=True), 1e-12))
