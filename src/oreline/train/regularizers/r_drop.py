"""R-Drop: two passes with other units dropped have to agree.

Shape suffixes: B rows of one batch, K outputs.
"""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from oreline.errors import UsageError
from oreline.models.batch import Batch
from oreline.train.regularize import Loss, Plain, refuse_outside


class Regularizer(Plain):
    """R-Drop (https://arxiv.org/abs/2106.14448): each row goes through the model twice, each time with other dropout.

    The loss is (ℓ₁ + ℓ₂) / 2 + α · d(z₁, z₂), as in the authors' code: the mean of the two losses, and how far the two
    outputs are apart. d is the head's `divergence`: for classes ½ KL(p₁ ‖ p₂) + ½ KL(p₂ ‖ p₁), for several labels the
    sum of that over the labels, for numbers the squared difference. A step takes twice the time and memory. Where
    nothing is dropped (`train.dropout=0`), both passes are the same, and training refuses it.

    Args:
        alpha: weight of the divergence; the paper tries 0.1 to 1 where a pretrained encoder is fine-tuned.
    """

    cost, passes, needs_dropout = 2.0, 2, True

    def __init__(self, *, alpha: float = 1.0) -> None:
        """Set the weight of the divergence."""
        refuse_outside("r_drop", 0, math.inf, alpha=alpha)
        self.alpha = alpha
        if not alpha:
            self.cost, self.passes, self.needs_dropout = 1.0, 1, False

    def wrap(self, loss: Loss, head: Any) -> Loss:
        """Return the loss of two passes. Raises `UsageError` for a head that cannot say how far outputs are apart."""
        divergence = getattr(head, "divergence", None)
        if divergence is None:
            raise UsageError(
                f"r_drop compares two outputs of a row, and {type(head).__module__} has no `divergence`",
                remedy="leave r_drop out",
            )

        def agreeing(model: Any, batch: Batch) -> Tensor:
            outputs: list[Tensor] = []
            hook = model.register_forward_hook(lambda _m, _i, output: outputs.append(output.logits.float()))
            try:
                first = loss(model, batch)
                first_BK = outputs[-1]  # a wrapped loss may make several passes: the last is what it ends with
                second = loss(model, batch)
            finally:
                hook.remove()
            apart = batch.weighed(divergence(first_BK, outputs[-1], batch.targets)).sum()
            total: Tensor = (first + second) / 2 + self.alpha * apart
            return total

        return agreeing if self.alpha else loss
