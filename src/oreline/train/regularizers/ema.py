"""An exponential moving average of the weights."""

from __future__ import annotations

from oreline.train.regularize import Average, refuse_outside


class Regularizer(Average):
    """Exponential moving average of the weights: a ← d a + (1 - d) w after each step.

    The decay warms up, d = min(decay, (1 + n) / (10 + n)) in step n, so that a short run is not held at its first
    weights (TensorFlow's `ExponentialMovingAverage`; the idea is Polyak and Juditsky's, 1992). Dev is scored with the
    average, and the model ends with it. It takes 4 bytes a weight.

    Args:
        decay: share d of the average that stays in each step; 1 / (1 - decay) steps are remembered.
    """

    def __init__(self, *, decay: float = 0.999) -> None:
        """Set the decay."""
        super().__init__()
        refuse_outside("ema", 0, 1, decay=decay)
        self.decay = decay

    def share(self, step: int, num_steps: int) -> float:
        """Return 1 - d."""
        return 1 - min(self.decay, (1 + step) / (10 + step))
