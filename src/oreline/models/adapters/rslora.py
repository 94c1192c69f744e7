"""Rank-stabilised LoRA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from oreline.models.adapting import QUERY_VALUE
from oreline.models.injected import LowRank


class Adapter(LowRank):
    """LoRA scaled by alpha / √rank, so that a higher rank learns no more slowly.

    Source: Kalajdzievski, https://arxiv.org/abs/2312.03732.

    Args:
        rank: rows of A and columns of B.
        alpha: strength; the change is scaled by alpha / √rank.
        dropout: share of the inputs of A that are dropped while training.
        targets: linear layers by name or pattern, such as `[key, output.dense]`; `query_value` are those of each
            attention, whatever the architecture calls them, and `all` is every one inside the layers.
        layers: numbers of the layers that it is put into, from 0, or from -1 at the top; all when not given. What lies
            below them is frozen and computed once.
    """

    variant: ClassVar[dict[str, bool]] = {"use_rslora": True}

    def __init__(
        self,
        *,
        rank: int = 8,
        alpha: float = 6.0,
        dropout: float = 0.0,
        targets: Sequence[str] | str = QUERY_VALUE,
        layers: Sequence[int] | None = None,
    ) -> None:
        self.rank, self.alpha, self.dropout, self.targets, self.layers = rank, alpha, dropout, targets, layers
