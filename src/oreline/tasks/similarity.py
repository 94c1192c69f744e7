"""One number for each pair of texts: how similar, how relevant."""

from __future__ import annotations

from typing import ClassVar

from oreline.tasks.numbers import OneNumber


class Task(OneNumber):
    """Pair regression: a number for two texts that the model reads together, such as their semantic similarity.

    Args:
        mean: of the training targets.
        spread: their standard deviation, above 0.
        cuts: quartiles of the training targets: answers are counted between them.
    """

    inputs: ClassVar[tuple[str, ...]] = ("text", "text_pair")
    metrics: ClassVar[tuple[str, ...]] = ("spearman", "pearson", "mae", "r2")
