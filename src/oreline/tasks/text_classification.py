"""One label for each text."""

from __future__ import annotations

from oreline.tasks.classes import OneOfClasses


class Task(OneOfClasses):
    """Text classification: one of K labels for each text.

    Args:
        labels: class names in index order, each once.
    """
