"""A score for each of K labels, independent of the others.

Shape suffixes: B rows of one batch, K labels.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from oreline.models.sequence import SequenceHead


class Head(SequenceHead):
    """A linear layer over one vector for each row, and the binary cross-entropy of each label."""

    def __init__(self, *, num_labels: int, pooling: str | None = None) -> None:
        """Describe the head.

        Args:
            num_labels: K.
            pooling: `first`, `mean`, or (None) what the start model was saved with.
        """
        super().__init__(num_labels=num_labels, pooling=pooling)

    def terms(self, logits_BK: Tensor, targets: Tensor) -> Tensor:
        """Return the sum over labels of −log p(mark), (B,), in nats."""
        return F.binary_cross_entropy_with_logits(logits_BK, targets.to(logits_BK.dtype), reduction="none").sum(dim=1)

    def divergence(self, logits_BK: Tensor, others_BK: Tensor, targets: Tensor) -> Tensor:
        """Return Σₖ ½ KL(pₖ ‖ qₖ) + ½ KL(qₖ ‖ pₖ) = ½ Σₖ (pₖ − qₖ)(zₖ − z′ₖ) of each row, (B,), in nats."""
        return ((logits_BK.sigmoid() - others_BK.sigmoid()) * (logits_BK - others_BK)).sum(dim=1) / 2
