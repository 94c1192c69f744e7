"""Losses over the texts of one step: a query's own text against all others, pairs in the order of their grades.

Shape suffixes: B pairs of one step, C texts of one step, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def ranking_loss(
    query_BD: Tensor, text_CD: Tensor, own_B: Tensor, known_BC: Tensor, *, scale: float = 20.0, symmetric: bool = False
) -> Tensor:
    """Return −log softmax(scale · cosine) at each query's own text, over all texts of the step, (B,), in nats.

    The other texts are its negatives, but for those that are known to be relevant to it too: they take no part.
    Symmetric: half of it, and half of the same loss of the own text over all queries.

    Source: InfoNCE, van den Oord et al., https://arxiv.org/abs/1807.03748; with the texts of a batch, Henderson et al.,
    https://arxiv.org/abs/1705.00652 (multiple negatives ranking).

    Args:
        query_BD: vectors of length 1.
        text_CD: vectors of length 1, each text once.
        own_B: which of the texts is each query's own.
        known_BC: which texts are relevant to each query, its own one included.
        scale: what cosines are multiplied by; 1 over the temperature.
        symmetric: whether texts look for their queries too.

    >>> eye, own = torch.eye(2), torch.tensor([0, 1])
    >>> [round(float(term), 4) for term in ranking_loss(eye, eye, own, eye.bool(), scale=1.0)]  # log(1 + e^-1)
    [0.3133, 0.3133]
    """
    rows_B = torch.arange(len(own_B), device=own_B.device)
    others_BC = known_BC.clone()
    others_BC[rows_B, own_B] = False
    cosine_BC = scale * query_BD @ text_CD.T
    terms_B = F.cross_entropy(cosine_BC.masked_fill(others_BC, -torch.inf), own_B, reduction="none")
    if not symmetric:
        return terms_B
    # Row i: the own text of query i, over all queries; those that it belongs to as well take no part.
    also_BB = known_BC[:, own_B].T & ~torch.eye(len(own_B), dtype=torch.bool, device=own_B.device)
    back_BB = cosine_BC[:, own_B].T.masked_fill(also_BB, -torch.inf)
    return (terms_B + F.cross_entropy(back_BB, rows_B, reduction="none")) / 2


def graded_loss(first_BD: Tensor, second_BD: Tensor, grades_B: Tensor, *, scale: float = 20.0) -> Tensor:
    """Return log(1 + Σ exp(scale (cos_j − cos_i))) over all i, j with pair i graded higher than pair j.

    Whatever the unit of the grades, pairs learn to stand in their order (CoSENT: Su, 2022,
    https://kexue.fm/archives/8847).

    >>> first, second = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    >>> round(float(graded_loss(first, second, torch.tensor([1.0, 0.0]), scale=1.0)), 4)  # log(1 + e^(0 - 1))
    0.3133
    """
    cosine_B = scale * (first_BD * second_BD).sum(dim=1)
    lower_BB = grades_B[:, None] > grades_B[None, :]
    apart_BB = (cosine_B[None, :] - cosine_B[:, None]).masked_fill(~lower_BB, -torch.inf)
    return torch.logsumexp(torch.cat([apart_BB.flatten(), apart_BB.new_zeros(1)]), dim=0)


def at_sizes(sizes: Sequence[int], vector_ND: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the mean of a loss over the beginnings of vectors, each scaled to length 1 (Matryoshka).

    Source: Kusupati et al., https://arxiv.org/abs/2205.13147. No sizes: the vectors as they are.
    """
    if not sizes:
        return loss(vector_ND)
    return torch.stack([loss(F.normalize(vector_ND[:, :size], dim=1)) for size in sizes]).mean(dim=0)
