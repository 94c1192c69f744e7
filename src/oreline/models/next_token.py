"""What the heads that write share: what a next token costs, and the answers by what they cost.

Shape suffixes: B rows of one batch, P places with a target, A answers (some for each row), V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Costs = tuple[NDArray[np.float64], NDArray[np.int64]]

_SCORES_AT_ONCE = 32_000_000
"""Scores of tokens in memory at a time, when answers are scored: 128 MB."""


class Answer(NamedTuple):
    """One written answer."""

    ids: list[int]
    """Its tokens, the end token included where it was written."""
    log_probability: float
    """Mean over them, in nats."""


class NextTokenHead:
    """The layer that writes over the vocabulary, as the start model has it; how its scores become a loss.

    A head says what its scores are: `predicted(model, batch)` returns those of each place with a target, (B, P, V), and
    the targets, (B, P), -100 where there is none.
    """

    predicted: Callable[..., tuple[Tensor, Tensor]]

    def __init__(self, *, num_labels: int = 1, pooling: str | None = None, label_smoothing: float = 0.0) -> None:
        """Describe the head.

        Args:
            num_labels: ignored: what is written is not one of K labels.
            pooling: ignored: every token is read.
            label_smoothing: share ε of the target that is spread evenly over the vocabulary.
        """
        self.label_smoothing = label_smoothing

    def loss(self, model: Any, batch: Any) -> Tensor:
        """Return the summed loss of all targets in nats; divided by `Batch.weight`, their number, it is the mean.

        (1 − ε) · −log p(y) + ε · mean over the vocabulary of −log p(v) (https://arxiv.org/abs/1512.00567, section 7).
        """
        logits_BPV, targets_BP = self.predicted(model, batch)
        logits_XV, smoothing = logits_BPV.float().flatten(0, 1), self.label_smoothing
        return F.cross_entropy(logits_XV, targets_BP.flatten(), reduction="sum", label_smoothing=smoothing)

    def costs(self, model: Any, batch: Any) -> Costs:
        """Return what each row's targets cost, in nats, not smoothed, (B,), and their number, (B,)."""
        with torch.inference_mode():
            return summed_costs(*self.predicted(model, batch))


def summed_costs(logits_BPV: Tensor, targets_BP: Tensor) -> Costs:
    """Return −log p of each row's targets, summed, in nats, (B,), and their number, (B,).

    >>> nats_B, tokens_B = summed_costs(torch.zeros(1, 3, 4), torch.tensor([[1, -100, 2]]))
    >>> round(float(nats_B[0]), 4), int(tokens_B[0])  # twice log 4
    (2.7726, 2)
    """
    costs_X = F.cross_entropy(logits_BPV.float().flatten(0, 1), targets_BP.flatten(), reduction="none")
    nats_B = costs_X.view(targets_BP.shape).sum(dim=1)
    return nats_B.double().cpu().numpy(), (targets_BP != -100).sum(dim=1).cpu().numpy()


def symmetric_divergence(logits_BPV: Tensor, others_BPV: Tensor, targets_BP: Tensor) -> Tensor:
    """Return ½ KL(p ‖ q) + ½ KL(q ‖ p) of the places with a target, summed for each row, (B,), in nats."""
    log_p_BPV, log_q_BPV = logits_BPV.log_softmax(dim=2), others_BPV.log_softmax(dim=2)
    apart_BP = ((log_p_BPV.exp() - log_q_BPV.exp()) * (log_p_BPV - log_q_BPV)).sum(dim=2) / 2
    return (apart_BP * (targets_BP != -100)).sum(dim=1)


def ranked(written: Sequence[Sequence[list[int]]], means: Sequence[float]) -> list[list[Answer]]:
    """Return each row's answers, best first, given the mean log-probabilities of all answers in a row.

    >>> [[answer.ids for answer in row] for row in ranked([[[1], [2]], [[3]]], [-2.0, -1.0, -3.0])]
    [[[2], [1]], [[3]]]
    """
    means_left = iter(means)
    return [best_first([Answer(ids, next(means_left)) for ids in answers]) for answers in written]


def means_of(num_answers: int, costs: Callable[[slice], Costs], num_scores: int) -> list[float]:
    """Return the mean log-probability of the tokens of each answer.

    A vocabulary of 250,000 makes the scores of a batch larger than the model: some answers are scored at a time.

    Args:
        num_answers: how many they are.
        costs: what some of them cost, given which: nats and numbers of tokens, (A,) each.
        num_scores: scores that one answer takes, places times vocabulary.
    """
    at_once, means = max(_SCORES_AT_ONCE // num_scores, 1), []
    for start in range(0, num_answers, at_once):
        nats_A, tokens_A = costs(slice(start, min(start + at_once, num_answers)))
        means += [-float(nats) / max(int(tokens), 1) for nats, tokens in zip(nats_A, tokens_A)]
    return means


def best_first(answers: Sequence[Answer]) -> list[Answer]:
    """Return answers by their mean log-probability, each text once.

    >>> [answer.ids for answer in best_first([Answer([1], -2.0), Answer([2], -1.0), Answer([1], -2.0)])]
    [[2], [1]]
    """
    once = {tuple(answer.ids): answer for answer in answers}
    return sorted(once.values(), key=lambda answer: -answer.log_probability)
