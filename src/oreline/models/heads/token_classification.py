"""Scores over K tags for each token.

Shape suffixes: B rows of one batch, T tokens, D width, K tags.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from oreline.models.tokens import TokenHead


class Head(TokenHead):
    """A linear layer over the state of each token, and the cross-entropy of the tokens that have a target."""

    def __init__(
        self,
        *,
        num_labels: int,
        pooling: str | None = None,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
    ) -> None:
        """Describe the head.

        Args:
            num_labels: K.
            pooling: ignored: every token has its own answer.
            label_smoothing: share ε of the target that is spread evenly over the K tags.
            focal_gamma: exponent γ that makes tokens count less the surer the model is of their tag.
        """
        super().__init__(num_labels=num_labels, pooling=pooling)
        self.label_smoothing, self.focal_gamma = label_smoothing, focal_gamma

    def terms(self, logits_BTK: Tensor, targets_BT: Tensor) -> Tensor:
        """Return the summed loss of each row's tokens, (B,), in nats: −log p(y), smoothed or focal where asked for."""
        terms_BT = F.cross_entropy(
            logits_BTK.transpose(1, 2), targets_BT, reduction="none", label_smoothing=self.label_smoothing
        )
        if self.focal_gamma:
            missing_BT = -torch.expm1(-F.cross_entropy(logits_BTK.transpose(1, 2), targets_BT, reduction="none"))
            # The power of a zero has no finite slope where γ < 1.
            terms_BT = missing_BT.clamp(min=1e-7) ** self.focal_gamma * terms_BT
        return terms_BT.sum(dim=1)

    def divergence(self, logits_BTK: Tensor, others_BTK: Tensor, targets_BT: Tensor) -> Tensor:
        """Return ½ KL(p ‖ q) + ½ KL(q ‖ p) of the tokens that have a target, summed for each row, (B,), in nats."""
        log_p_BTK, log_q_BTK = logits_BTK.log_softmax(dim=2), others_BTK.log_softmax(dim=2)
        apart_BT = ((log_p_BTK.exp() - log_q_BTK.exp()) * (log_p_BTK - log_q_BTK)).sum(dim=2) / 2
        return (apart_BT * (targets_BT != -100)).sum(dim=1)
