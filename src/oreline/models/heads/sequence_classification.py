"""Scores over K classes for each text.

Shape suffixes: B rows of one batch, D width, K classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from oreline.errors import UsageError
from oreline.models.attention import first_token_only, use_short_attention
from oreline.models.batch import Batch
from oreline.models.load import load_classifier

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Head:
    """A linear layer over one vector for each text, and the cross-entropy loss."""

    def __init__(
        self, *, num_labels: int, pooling: str | None = None, class_weights: list[float] | None = None
    ) -> None:
        """Describe the head.

        Args:
            num_labels: K.
            pooling: `first`, `mean`, or (None) what the start model was saved with.
            class_weights: K factors of the loss; None counts every row the same.
        """
        if pooling not in (None, "first", "mean"):
            raise UsageError(f"unknown pooling {pooling!r}", allowed="first, mean")
        self.num_labels, self.pooling = num_labels, pooling
        self.weights_K = torch.tensor(class_weights) if class_weights is not None else None

    def module(self, folder: Path) -> Any:
        """Open a start model with this head on top, prepared for short texts."""
        model = load_classifier(folder, self.num_labels, pooling=self.pooling)
        encoder = getattr(model, "encoder", model)
        use_short_attention(encoder)
        if encoder is model:
            first_token_only(model)
        return model

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Return the summed loss of a batch: Σ wᵧ · −log p(y), in nats.

        Divided by `Batch.weight`, it is the mean; weights have mean 1 over the training rows.
        """
        if batch.targets is None:
            raise ValueError("the batch has no targets")
        logits_BK = model(**batch.inputs()).logits.float()
        weights_K = self.weights_K.to(logits_BK.device) if self.weights_K is not None else None
        return F.cross_entropy(logits_BK, batch.targets, weight=weights_K, reduction="sum")

    def outputs(self, model: Any, batch: Batch) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32]]:
        """Return `{"scores": (B, K)}` and the vector that the head reads, (B, D)."""
        with torch.inference_mode():
            logits_BK, embedding_BD = self.tensors(model, batch)
            scores_BK = logits_BK.float().softmax(dim=-1)
        return {"scores": scores_BK.cpu().numpy()}, embedding_BD.float().cpu().numpy()

    def tensors(self, model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return logits (B, K) and embedding (B, D): the mean state, or the first token's state."""
        if hasattr(model, "classifier") and hasattr(model, "encoder"):
            output = model(**batch.inputs())
            return output.logits, output.pooled
        kept: list[Tensor] = []
        hook = model.base_model.register_forward_hook(lambda _m, _i, output: kept.append(output[0][:, 0]))
        try:
            return model(**batch.inputs()).logits, kept[0]
        finally:
            hook.remove()


def balanced_weights(targets_N: NDArray[np.int64], num_labels: int) -> list[float]:
    """Return K factors inverse to the classes' frequency, with mean 1 over the rows.

    w_k = N / (K · n_k), as scikit-learn's `class_weight="balanced"`.

    >>> balanced_weights(np.array([0, 0, 0, 1]), 2)
    [0.6666666666666666, 2.0]
    """
    counts_K = np.maximum(np.bincount(targets_N, minlength=num_labels), 1)
    return [float(weight) for weight in len(targets_N) / (num_labels * counts_K)]
