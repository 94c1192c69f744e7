"""Contrastive learning over all pairs of a batch: each text is encoded once, whatever the number of pairs.

Shape suffixes: B rows of one batch, N rows of one step, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from oreline.models.batch import Batch
from oreline.models.cached import StepBatch, step_batches
from oreline.models.sequence import SequenceHead

_TEMPERATURE = 0.1
"""τ of the softmax: 0.05 and 0.2 were no better on clinc150, 0.3 on sst2."""


def compared(parts: Sequence[Batch], *, cached: bool = False) -> list[StepBatch]:
    """Return the batches of a step whose texts are compared, given its passes, each with the classes of its texts.

    One, or one for each pass where gradients are cached.
    """
    targets = torch.cat([part.targets for part in parts if part.targets is not None])
    num_texts = len(targets)
    return step_batches(StepBatch, parts, cached=cached, weight=float(num_texts), rows=num_texts, targets=targets)


class ContrastHead(SequenceHead):
    """The mean of an encoder's last states, drawn together within a class and pushed apart between classes.

    Args:
        num_labels: K of the linear layer on top, which this loss does not touch.
        loss: a name of `LOSSES`.
    """

    def __init__(self, *, num_labels: int, loss: str = "squared") -> None:
        super().__init__(num_labels=num_labels, pooling="mean")
        self._contrast = LOSSES[loss]

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Return the loss times the number of texts; of a part of a cached step, that part's share of the gradient."""
        if batch.targets is None:
            raise ValueError("the batch has no targets")
        classes_N = batch.targets

        def encode(part: Batch) -> Tensor:
            pooled_BD: Tensor = model(**part.inputs()).pooled
            return pooled_BD.float()

        def of_vectors(embedding_ND: Tensor) -> Tensor:
            return self._contrast(embedding_ND, classes_N) * len(classes_N)

        return batch.loss(encode, of_vectors) if isinstance(batch, StepBatch) else of_vectors(encode(batch))


def squared_loss(embedding_BD: Tensor, classes_B: Tensor) -> Tensor:
    """Return how far the cosines of all pairs of a batch are from 1 within a class and from 0 between classes.

    Half the mean of (1 - s_ij)² over pairs of one class and half the mean of s_ij² over pairs of two: SetFit's loss
    (Tunstall et al., https://arxiv.org/abs/2209.11055), over every pair of the batch, both kinds counting the same.

    >>> embedding = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    >>> round(float(squared_loss(embedding, torch.tensor([0, 0, 1]))), 4)  # (1 - √½)² / 2 + (0 + ½) / 2 / 2
    0.1679
    """
    cosine_BB, within_BB, _ = _compared(embedding_BD, classes_B)
    between_BB = (classes_B[:, None] != classes_B[None, :]).float()
    within = ((1 - cosine_BB).square() * within_BB).sum() / within_BB.sum().clamp(min=1)
    between = (cosine_BB.square() * between_BB).sum() / between_BB.sum().clamp(min=1)
    return (within + between) / 2


def softmax_loss(embedding_BD: Tensor, classes_B: Tensor) -> Tensor:
    """Return how hard it is to find a row's class among all other rows of a batch, by cosine.

    The mean over rows i, and over the other rows j of its class, of -log(exp(s_ij / τ) / Σ_{k ≠ i} exp(s_ik / τ)), with
    τ = 0.1; rows without another of their class do not count. Supervised contrastive learning (Khosla et al.,
    https://arxiv.org/abs/2004.11362, the loss "out").

    >>> embedding = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> round(float(softmax_loss(embedding, torch.tensor([0, 0, 1]))), 6)  # log(1 + exp(-10))
    4.5e-05
    """
    cosine_BB, within_BB, itself_BB = _compared(embedding_BD, classes_B)
    among_BB = F.log_softmax((cosine_BB / _TEMPERATURE).masked_fill(itself_BB, -torch.inf), dim=1)
    num_alike_B = within_BB.sum(dim=1)
    found_B = (among_BB.masked_fill(within_BB == 0, 0.0)).sum(dim=1) / num_alike_B.clamp(min=1)
    return -found_B.sum() / (num_alike_B > 0).sum().clamp(min=1)


def _compared(embedding_BD: Tensor, classes_B: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the cosine of each pair, whether it is of one class (1) or not (0), and whether it is one row twice."""
    unit_BD = F.normalize(embedding_BD, dim=1)
    itself_BB = torch.eye(len(classes_B), dtype=torch.bool, device=classes_B.device)
    within_BB = ((classes_B[:, None] == classes_B[None, :]) & ~itself_BB).float()
    return unit_BD @ unit_BD.T, within_BB, itself_BB


LOSSES = {"squared": squared_loss, "softmax": softmax_loss}
"""By the name of the option."""
