"""Scores over K classes for each row.

Shape suffixes: N rows, B rows of one batch, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from oreline.models.sequence import SequenceHead


class Head(SequenceHead):
    """A linear layer over one vector for each row, and the cross-entropy loss, smoothed or focal where asked for."""

    def __init__(
        self,
        *,
        num_labels: int,
        pooling: str | None = None,
        class_weights: list[float] | None = None,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
    ) -> None:
        """Describe the head.

        Args:
            num_labels: K.
            pooling: `first`, `mean`, or (None) what the start model was saved with.
            class_weights: K factors of the loss; None counts every row the same.
            label_smoothing: share ε of the target that is spread evenly over the K classes.
            focal_gamma: exponent γ that makes rows count less the surer the model is of their class.
        """
        super().__init__(num_labels=num_labels, pooling=pooling)
        self.weights_K = torch.tensor(class_weights) if class_weights is not None else None
        self.label_smoothing, self.focal_gamma = label_smoothing, focal_gamma

    def terms(self, logits_BK: Tensor, targets: Tensor) -> Tensor:
        """Return wᵧ · −log p(y) of each row, (B,), in nats; the weights have mean 1 over the training rows.

        With smoothing, −(1 − ε) wᵧ log p(y) − ε/K Σₖ wₖ log p(k) (https://arxiv.org/abs/1512.00567, section 7). The
        focal factor (1 − p(y))^γ multiplies either (https://arxiv.org/abs/1708.02002).
        """
        if self.weights_K is not None and self.weights_K.device != logits_BK.device:
            self.weights_K = self.weights_K.to(logits_BK.device)  # once, and not in every step
        terms_B = F.cross_entropy(
            logits_BK, targets, weight=self.weights_K, reduction="none", label_smoothing=self.label_smoothing
        )
        if not self.focal_gamma:
            return terms_B
        missing_B = -torch.expm1(-F.cross_entropy(logits_BK, targets, reduction="none"))
        # The power of a zero has no finite slope where γ < 1.
        return missing_B.clamp(min=1e-7) ** self.focal_gamma * terms_B

    def divergence(self, logits_BK: Tensor, others_BK: Tensor, targets: Tensor) -> Tensor:
        """Return ½ KL(p ‖ q) + ½ KL(q ‖ p) = ½ Σₖ (pₖ − qₖ)(log pₖ − log qₖ) of each row, (B,), in nats."""
        log_p_BK, log_q_BK = logits_BK.log_softmax(dim=1), others_BK.log_softmax(dim=1)
        return ((log_p_BK.exp() - log_q_BK.exp()) * (log_p_BK - log_q_BK)).sum(dim=1) / 2
