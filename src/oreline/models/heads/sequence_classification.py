"""Scores over K classes for each row.

Shape suffixes: N rows, B rows of one batch, K classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from oreline.models.sequence import SequenceHead

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Head(SequenceHead):
    """A linear layer over one vector for each row, and the cross-entropy loss."""

    def __init__(
        self, *, num_labels: int, pooling: str | None = None, class_weights: list[float] | None = None
    ) -> None:
        """Describe the head.

        Args:
            num_labels: K.
            pooling: `first`, `mean`, or (None) what the start model was saved with.
            class_weights: K factors of the loss; None counts every row the same.
        """
        super().__init__(num_labels=num_labels, pooling=pooling)
        self.weights_K = torch.tensor(class_weights) if class_weights is not None else None

    def terms(self, logits_BK: Tensor, targets: Tensor) -> Tensor:
        """Return wᵧ · −log p(y) of each row, (B,), in nats; the weights have mean 1 over the training rows."""
        weights_K = self.weights_K.to(logits_BK.device) if self.weights_K is not None else None
        return F.cross_entropy(logits_BK, targets, weight=weights_K, reduction="none")


def balanced_weights(targets_N: NDArray[np.int64], num_labels: int) -> list[float]:
    """Return K factors inverse to the classes' frequency, with mean 1 over the rows.

    w_k = N / (K · n_k), as scikit-learn's `class_weight="balanced"`.

    >>> balanced_weights(np.array([0, 0, 0, 1]), 2)
    [0.6666666666666666, 2.0]
    """
    counts_K = np.maximum(np.bincount(targets_N, minlength=num_labels), 1)
    return [float(weight) for weight in len(targets_N) / (num_labels * counts_K)]
