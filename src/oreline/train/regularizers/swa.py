"""The mean of the weights over the last steps."""

from __future__ import annotations

from oreline.errors import UsageError
from oreline.train.regularize import Average


class Regularizer(Average):
    """Stochastic weight averaging (https://arxiv.org/abs/1803.05407): the mean of the weights over the last steps.

    From when the mean begins, dev is scored with it, and the model ends with it. The paper holds the rate high while it
    averages: take it with `schedule: constant`, since weights that hardly move have little to average. A run that stops
    early may stop before the mean begins; `patience` says when. It takes 4 bytes a weight.

    Args:
        last: share of the steps, the last ones, whose weights are averaged.
    """

    def __init__(self, *, last: float = 0.25) -> None:
        """Set the share of the steps."""
        super().__init__()
        if isinstance(last, bool) or not isinstance(last, int | float) or not 0 < last <= 1:
            raise UsageError(f"swa: last is {last!r}", allowed="0 < last <= 1")
        self.last = last

    def share(self, step: int, num_steps: int) -> float:
        """Return 1 / n for the n-th of the averaged steps."""
        averaged = step - (num_steps - max(round(num_steps * self.last), 1))
        return 1 / averaged if averaged > 0 else 0.0
