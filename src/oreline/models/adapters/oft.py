"""Orthogonal fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peft

from oreline.errors import UsageError
from oreline.models.adapting import Plain, encoder_of, targeted
from oreline.models.injected import inject, refuse_share


class Adapter(Plain):
    """OFT: the inputs of each weight matrix are rotated in small blocks, which leaves angles between neurons alone.

    The rotations are Cayley transforms of skew-symmetric matrices, block by block. Source: Qiu et al.,
    https://arxiv.org/abs/2306.07280.

    Args:
        block: size of a block; it divides the width of the inputs.
        dropout: share of the blocks that are left as they are in a step.
        targets: linear layers by name or pattern, such as `[key, output.dense]`; `all` is every one inside the layers.
        layers: numbers of the layers that it is put into, from 0, or from -1 at the top; all when not given. What lies
            below them is frozen and computed once.
    """

    learning_rate = 1e-3
    merges = True

    def __init__(
        self,
        *,
        block: int = 16,
        dropout: float = 0.0,
        targets: Sequence[str] | str = "all",
        layers: Sequence[int] | None = None,
    ) -> None:
        self.block, self.dropout, self.targets, self.layers = block, dropout, targets, layers

    def apply(self, model: Any) -> None:
        """Put a rotation before the targeted layers."""
        encoder = encoder_of(model)
        names = targeted(encoder, self.targets, self.layers)
        refuse_share("dropout", self.dropout)
        for name in names:
            width = encoder.get_submodule(name).in_features
            if not 2 <= self.block <= width or width % self.block:
                raise UsageError(
                    f"block is {self.block}, and the inputs of the layer {name} are {width} wide",
                    allowed=f"a divisor of {width}, from 2",
                )
        options = {"oft_block_size": self.block, "module_dropout": self.dropout, "use_cayley_neumann": False}
        inject(model, peft.OFTConfig(r=0, target_modules=names, **options))
