"""One label for each pair of texts: matching, entailment, duplicate questions."""

from __future__ import annotations

from typing import ClassVar

from oreline.tasks.classes import OneOfClasses


class Task(OneOfClasses):
    """Pair classification: one of K labels for two texts that the model reads together (a cross-encoder).

    Args:
        labels: class names in index order, each once.
        temperature: what logits are divided by; fitted on dev where it is set, 1 where it is not.
        reject: how rows of no class are told: `rejector`, its `options`, and what was fitted on dev.
    """

    inputs: ClassVar[tuple[str, ...]] = ("text", "text_pair")
