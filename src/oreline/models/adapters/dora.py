"""Weight-decomposed low-rank adaptation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from oreline.models.adapting import QUERY_VALUE
from oreline.models.injected import LowRank


class Adapter(LowRank):
    """DoRA: the direction of each weight column is adapted by LoRA, its length by a number of its own.

    Source: Liu et al., https://arxiv.org/abs/2402.09353. It costs more time than LoRA: the lengths are computed anew in
    each step.

    Args:
        rank: rows of A and columns of B.
        alpha: strength; the change of direction is scaled by alpha / rank.
        dropout: share of the inputs of A that are dropped while training.
        targets: linear layers by name or pattern, such as `[key, output.dense]`; `query_value` are those of each
            attention, whatever the architecture calls them, and `all` is every one inside the layers.
        layers: numbers of the layers that it is put into, from 0, or from -1 at the top; all when not given. What lies
            below them is frozen and computed once.
    """

    variant: ClassVar[dict[str, bool]] = {"use_dora": True}

    def __init__(
        self,
        *,
        rank: int = 8,
        alpha: float = 16.0,
        dropout: float = 0.0,
        targets: Sequence[str] | str = QUERY_VALUE,
        layers: Sequence[int] | None = None,
    ) -> None:
        self.rank, self.alpha, self.dropout, self.targets, self.layers = rank, alpha, dropout, targets, layers
