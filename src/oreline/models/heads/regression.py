"""One number for each row.

Shape suffixes: B rows of one batch.
"""

from __future__ import annotations

from torch import Tensor

from oreline.models.sequence import SequenceHead


class Head(SequenceHead):
    """A linear layer over one vector for each row, and the squared error."""

    def __init__(self, *, num_labels: int = 1, pooling: str | None = None) -> None:
        """Describe the head.

        Args:
            num_labels: outputs; one.
            pooling: `first`, `mean`, or (None) what the start model was saved with.
        """
        super().__init__(num_labels=num_labels, pooling=pooling)

    def terms(self, logits_BK: Tensor, targets: Tensor) -> Tensor:
        """Return (prediction − target)² of each row, (B,), in squared units of the targets' spread."""
        return (logits_BK[:, 0] - targets.to(logits_BK.dtype)).square()

    def divergence(self, logits_BK: Tensor, others_BK: Tensor, targets: Tensor) -> Tensor:
        """Return (prediction − other)² of each row, (B,): the KL divergence of the laws behind `terms`, normal ones."""
        return (logits_BK[:, 0] - others_BK[:, 0]).square()
