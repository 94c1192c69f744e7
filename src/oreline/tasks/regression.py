"""One number for each text: a rating, a price, an intensity."""

from __future__ import annotations

from oreline.tasks.numbers import OneNumber


class Task(OneNumber):
    """Text regression: a number for each text.

    Args:
        mean: of the training targets.
        spread: their standard deviation, above 0.
        cuts: quartiles of the training targets: answers are counted between them.
    """
