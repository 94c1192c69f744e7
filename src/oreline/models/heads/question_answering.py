"""Scores for where an answer begins and ends, for each token.

Shape suffixes: B rows of one batch, T tokens.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from oreline.models.tokens import TokenHead

START, END = 1, 2
"""Marks of a token in targets; 0 for one that could begin or end an answer, -100 for one that could not."""
_NEVER = -1e4


class Head(TokenHead):
    """Two outputs a token, each a choice of one token of its row: where the answer begins, and where it ends.

    The first token says that there is no answer. A window that holds a part of its row's answer only, or nothing of it,
    has none.
    """

    counts_rows: ClassVar[bool] = True
    """Each row has one term in the loss, however many tokens it has."""

    def __init__(self, *, num_labels: int = 2, pooling: str | None = None) -> None:
        """Describe the head.

        Args:
            num_labels: K, which is 2.
            pooling: ignored: tokens answer, not rows.
        """
        super().__init__(num_labels=num_labels, pooling=pooling)

    def terms(self, logits_BT2: Tensor, targets_BT: Tensor) -> Tensor:
        """Return ½ (−log p(begin) − log p(end)) of each row, (B,), in nats: softmax over the tokens that may answer."""
        log_p_BT2 = _choices(logits_BT2, targets_BT)
        places_B2 = chosen_tokens(targets_BT)
        return -log_p_BT2.gather(1, places_B2[:, None, :]).squeeze(1).mean(dim=1)

    def divergence(self, logits_BT2: Tensor, others_BT2: Tensor, targets_BT: Tensor) -> Tensor:
        """Return ½ KL(p ‖ q) + ½ KL(q ‖ p), the mean of both choices of each row, (B,), in nats."""
        log_p_BT2, log_q_BT2 = _choices(logits_BT2, targets_BT), _choices(others_BT2, targets_BT)
        apart_BT2 = (log_p_BT2.exp() - log_q_BT2.exp()) * (log_p_BT2 - log_q_BT2) / 2
        return apart_BT2.sum(dim=1).mean(dim=1)


def chosen_tokens(targets_BT: Tensor) -> Tensor:
    """Return the tokens at which each row's answer begins and ends, (B, 2); the first where it is not whole.

    >>> chosen_tokens(torch.tensor([[0, -100, 1, 2], [0, -100, 0, 2], [3, -100, 0, 0]])).tolist()
    [[2, 3], [0, 0], [0, 0]]
    """
    marks_BT = targets_BT.clamp(min=0)
    begins_BT, ends_BT = marks_BT % 2, marks_BT // 2
    is_whole_B = begins_BT.any(dim=1) & ends_BT.any(dim=1)
    places_B2 = torch.stack([begins_BT.argmax(dim=1), ends_BT.argmax(dim=1)], dim=1)
    return torch.where(is_whole_B[:, None], places_B2, 0)


def _choices(logits_BT2: Tensor, targets_BT: Tensor) -> Tensor:
    return logits_BT2.masked_fill((targets_BT == -100)[:, :, None], _NEVER).log_softmax(dim=1)
