"""Contrastive learning over all pairs of a batch: each text is encoded once, whatever the number of pairs.

Shape suffixes: B rows of one batch, D width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from oreline.models.batch import Batch
from oreline.models.sequence import SequenceHead


class ContrastHead(SequenceHead):
    """The mean of an encoder's last states, drawn together within a class and pushed apart between classes.

    Args:
        num_labels: K of the linear layer on top, which this loss does not touch.
    """

    def __init__(self, *, num_labels: int) -> None:
        super().__init__(num_labels=num_labels, pooling="mean")

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Return the batch's loss times its weight."""
        if batch.targets is None:
            raise ValueError("the batch has no targets")
        return contrastive_loss(model(**batch.inputs()).pooled.float(), batch.targets) * batch.weight


def contrastive_loss(embedding_BD: Tensor, classes_B: Tensor) -> Tensor:
    """Return how far the cosines of all pairs of a batch are from 1 within a class and from 0 between classes.

    Half the mean of (1 - s_ij)² over pairs of one class and half the mean of s_ij² over pairs of two: SetFit's loss
    (Tunstall et al., https://arxiv.org/abs/2209.11055), over every pair of the batch, both kinds counting the same.

    >>> embedding = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    >>> round(float(contrastive_loss(embedding, torch.tensor([0, 0, 1]))), 4)  # (1 - √½)² / 2 + (0 + ½) / 2 / 2
    0.1679
    """
    unit_BD = F.normalize(embedding_BD, dim=1)
    cosine_BB = unit_BD @ unit_BD.T
    alike_BB = classes_B[:, None] == classes_B[None, :]
    itself_BB = torch.eye(len(classes_B), dtype=torch.bool, device=classes_B.device)
    within_BB, between_BB = (alike_BB & ~itself_BB).float(), (~alike_BB).float()
    within = ((1 - cosine_BB).square() * within_BB).sum() / within_BB.sum().clamp(min=1)
    between = (cosine_BB.square() * between_BB).sum() / between_BB.sum().clamp(min=1)
    return (within + between) / 2
