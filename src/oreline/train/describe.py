"""What labels mean, in words: the texts that stand for classes beside the rows, or instead of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from oreline.errors import UsageError, did_you_mean

Descriptions = Mapping[str, Any]
"""A text, or several, for each label."""


def require_one_text_one_class(task: Any, method: str) -> None:
    """Raise `UsageError` for a task of other inputs than one plain text, or other answers than one class a row.

    Args:
        task: a task, or its plug.
        method: name of the method that can do no other.
    """
    if task.view != "classes" or tuple(task.inputs) != ("text",) or hasattr(task, "fault"):
        raise UsageError(
            f"the method {method!r} reads one plain text a row and gives it one class",
            allowed="the task text_classification",
            remedy="--method full" if task.view == "answers" else "--method full, or --method head",
        )


def check(descriptions: Any, method: str) -> dict[str, tuple[str, ...]]:
    """Return the texts of each label. Raises `UsageError` for what is no text, or an empty one."""
    if not isinstance(descriptions, Mapping):
        raise UsageError(f"{method}: descriptions is {descriptions!r}", allowed="{label: text}, or {label: [texts]}")
    checked = {}
    for label, given in descriptions.items():
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, Sequence) or not texts or not all(isinstance(t, str) and t.strip() for t in texts):
            raise UsageError(
                f"{method}: the description of the label {label!r} is {given!r}", allowed="a text, or a list of texts"
            )
        checked[str(label)] = tuple(texts)
    return checked


def label_texts(
    labels: Sequence[str], descriptions: Mapping[str, tuple[str, ...]], *, names: bool = True
) -> list[tuple[str, ...]]:
    """Return the texts of each label, in the labels' order: its descriptions, or else its name in words (if `names`).

    Raises `UsageError` for a description of a label that there is not.

    >>> label_texts(["card_lost", "other"], {"other": ("something else",)})
    [('card lost',), ('something else',)]
    """
    for label in descriptions:
        if label not in labels:
            raise UsageError(
                f"there is a description of the label {label!r}, which no row has",
                allowed=did_you_mean(label, labels),
                remedy="correct the label in method_options.descriptions, or leave it out",
            )
    return [descriptions.get(label) or ((in_words(label),) if names else ()) for label in labels]


def in_words(label: str) -> str:
    """Return a label's name as text.

    >>> in_words("card_lost"), in_words("billing/late-fee"), in_words("__")
    ('card lost', 'billing late-fee', '__')
    """
    return re.sub(r"[\s_/|.]+", " ", label).strip() or label
