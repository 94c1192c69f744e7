"""What tasks share that say by which number their answers are explained.

Shape suffixes: V a row and its variants, W words of one row, K tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from oreline.errors import UsageError, did_you_mean
from oreline.metrics.tags import OUTSIDE, Entity, parts

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Followed(NamedTuple):
    """An entity that a row has, or might have."""

    label: str
    start: int
    """Its first word."""
    end: int
    """The word after its last."""
    scores_V: NDArray[np.float64]
    """The mean probability, over its words, that they belong to an entity of this label."""


def chosen(label: str, labels: Sequence[str]) -> str:
    """Return the label. Raises `UsageError` where it is none of the labels."""
    if label not in labels:
        raise UsageError(f"the model has no label {label!r}", allowed=did_you_mean(label, labels))
    return label


def followed_entity(
    rows: Sequence[NDArray[np.floating]],
    given: Sequence[Entity],
    labels: Sequence[str],
    scheme: str,
    asked: str | None,
) -> Followed | None:
    """Follow the surest entity of a row through its variants, which have as many words.

    Where the row has none (of the label that is asked about), the word is followed that is likeliest to be one: what
    speaks for it shows why it is not.

    Args:
        rows: the probabilities (W, K) of a row's tags, then those of its variants, V in all.
        given: the entities that the model gives the row.
        labels: the K tags.
        scheme: how they are written, see `metrics.tags.scheme_of`.
        asked: a label of entities, or a tag that has it; the surest entity's when None.

    Returns:
        What is followed, or None for a row without words.

    Raises:
        UsageError: a label that entities do not have.

    >>> tags, row_WK = ["O", "B-PER", "B-LOC"], np.array([[0.1, 0.8, 0.1], [0.7, 0.2, 0.1]])
    >>> found = followed_entity([row_WK, row_WK[::-1]], [Entity(0, 1, "PER")], tags, "bio", None)
    >>> found.label, found.start, found.scores_V.tolist()
    ('PER', 0, [0.8, 0.2])
    """
    label_of = [parts(tag, scheme)[1] or OUTSIDE for tag in labels]
    known = list(dict.fromkeys(label for label in label_of if label != OUTSIDE)) or [OUTSIDE]
    if asked is not None:
        asked = chosen(label_of[labels.index(asked)] if asked in labels else asked, known)
    if not len(rows[0]):
        return None
    members = {label: [k for k, other in enumerate(label_of) if other == label] for label in known}

    def score(row_WK: NDArray[np.floating], entity: Entity) -> float:
        return float(row_WK[entity.start : entity.end, members[entity.label]].sum(axis=1).mean())

    of_label = [entity for entity in given if entity.label in members and asked in (None, entity.label)]
    of_label = of_label or [
        Entity(word, word + 1, label)
        for label in ([asked] if asked is not None else known)
        for word in range(len(rows[0]))
    ]
    best = max(of_label, key=lambda entity: score(rows[0], entity))
    scores_V = np.asarray([score(row_WK, best) for row_WK in rows], dtype=np.float64)
    return Followed(best.label, best.start, best.end, scores_V)
