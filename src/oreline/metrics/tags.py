"""Tags in the BIO family, and the entities that they stand for.

Shape suffixes: N rows, W words of one row, K tags, L labels of entities.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.metrics.counts import ScoredRows

OUTSIDE = "O"
"""The tag of a word that belongs to no entity."""
UNSEEN = "(unseen in training)"
"""Label of true entities whose tag a model never saw."""
_CANONICAL = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S"}
"""Prefixes of BIO, BIOES, BMES and BILOU by what they mean: begin, inside, end, single."""
_PREFIXED = re.compile(r"([BIMELSU])-(.+)", re.DOTALL)
_SLIP = re.compile(r"[BIMELSU]-?|[bimelsu]-[^a-z]+", re.DOTALL)
"""A letter without a label, or a small one before a label in capitals."""


class Entity(NamedTuple):
    """Words `start` to `end` - 1 of a row, as one thing of a kind."""

    start: int
    end: int
    label: str


def scheme_of(tags: Iterable[str]) -> str:
    """Return how tags are written: `bio`, `bioes` (BMES and BILOU too), or `plain` where they are no spans.

    >>> scheme_of(["O", "B-PER", "I-PER"]), scheme_of(["S-PER", "O"]), scheme_of(["NN", "VB"])
    ('bio', 'bioes', 'plain')
    """
    prefixes = set()
    for tag in tags:
        if tag == OUTSIDE:
            continue
        found = _PREFIXED.fullmatch(tag)
        if found is None:
            return "plain"
        prefixes.add(found[1])
    return "bio" if prefixes <= {"B", "I"} else "bioes"


def strays(tags: Iterable[str]) -> set[str]:
    """Return the tags that are slips among tags of spans; none where tags are plain, if one looks like a span.

    Tags are meant as spans where `O` stands among them and more than half of the others have a letter and a dash, or
    where one of the rest is a span written wrongly: without its letter, its label or its capital.

    >>> sorted(strays(["O", "B-PER", "PER", "b-LOC", "I-"])), strays(["NN", "VB"]), strays(["O", "B-PER"])
    (['I-', 'PER', 'b-LOC'], set(), set())
    >>> strays(["O", "PERSON", "CITY", "S-Bahn"])
    set()
    """
    kinds = set(tags)
    spans = {tag: found[2] for tag in kinds if (found := _PREFIXED.fullmatch(tag))}
    others = kinds - {OUTSIDE, *spans}
    if OUTSIDE not in kinds or not spans:
        return set()
    labels = {label.upper() for label in spans.values()}
    is_slip = any(tag.upper() in {OUTSIDE, *labels} or _SLIP.fullmatch(tag) for tag in others)
    return others if is_slip or len(spans) > len(others) else set()


def parts(tag: str, scheme: str) -> tuple[str, str]:
    """Return what a tag means, of `B I E S O`, and its label; a plain tag is an entity of one word.

    >>> parts("M-LOC", "bioes"), parts("O", "bio"), parts("NN", "plain")
    (('I', 'LOC'), ('O', ''), ('S', 'NN'))
    """
    if scheme == "plain":
        return "S", tag
    if tag == OUTSIDE:
        return OUTSIDE, ""
    prefix, _, label = tag.partition("-")
    return _CANONICAL[prefix], label


def entities(tags: Sequence[str], scheme: str) -> list[Entity]:
    """Return the entities of a row; what continues nothing begins a new one, as in the CoNLL evaluation and seqeval.

    >>> entities(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"], "bio")
    [Entity(start=0, end=2, label='PER'), Entity(start=3, end=4, label='LOC'), Entity(start=4, end=5, label='LOC')]
    """
    found: list[Entity] = []
    start, before, label_before = -1, OUTSIDE, ""
    for place, tag in enumerate(tags):
        meaning, label = parts(tag, scheme)
        continues = meaning in "IE" and start >= 0 and before in "BI" and label == label_before
        if start >= 0 and not continues:
            found.append(Entity(start, place, label_before))
            start = -1
        if meaning != OUTSIDE and not continues:
            start = place
        before, label_before = meaning, label
    if start >= 0:
        found.append(Entity(start, len(tags), label_before))
    return found


def first_break(tags: Sequence[str], scheme: str) -> tuple[int, str] | None:
    """Return the first word whose tag breaks the scheme, and why; None where none does.

    >>> first_break(["O", "I-PER"], "bio")
    (1, "'I-PER' follows 'O'")
    """
    if scheme == "plain":
        return None
    for place, (tag, follower) in enumerate(zip([OUTSIDE, *tags], [*tags, OUTSIDE])):
        if not may_follow(tag, follower, scheme):
            if place == len(tags):
                return place - 1, f"{tag!r} is the last tag"
            return place, f"{follower!r} follows {tag!r}" if place else f"{follower!r} is the first tag"
    return None


def may_follow(tag: str, follower: str, scheme: str) -> bool:
    """Whether one tag may stand after another; before and after a row stands `O`.

    >>> may_follow("B-PER", "I-PER", "bio"), may_follow("B-PER", "I-LOC", "bio"), may_follow("B-PER", "O", "bioes")
    (True, False, False)
    """
    if scheme == "plain":
        return True
    (meaning, label), (next_meaning, next_label) = parts(tag, scheme), parts(follower, scheme)
    if next_meaning in "IE":
        return meaning in "BI" and label == next_label
    return scheme == "bio" or meaning not in "BI"


def repaired(tags: Sequence[str], scheme: str, into: str) -> list[str]:
    """Return the tags of the same entities (by `entities`) that keep to a scheme, `bio` or `bioes`.

    >>> repaired(["I-PER", "I-PER", "I-LOC"], "bio", into="bio"), repaired(["B-PER", "I-PER", "O"], "bio", into="bioes")
    (['B-PER', 'I-PER', 'B-LOC'], ['B-PER', 'E-PER', 'O'])
    """
    made = [OUTSIDE] * len(tags)
    for start, end, label in entities(tags, scheme):
        made[start:end] = written(end - start, label, into)
    return made


def written(num_words: int, label: str, scheme: str) -> list[str]:
    """Return the tags of one entity.

    >>> written(3, "LOC", "bioes"), written(1, "LOC", "bioes"), written(2, "LOC", "bio")
    (['B-LOC', 'I-LOC', 'E-LOC'], ['S-LOC'], ['B-LOC', 'I-LOC'])
    """
    if scheme == "bio":
        return [f"B-{label}", *[f"I-{label}"] * (num_words - 1)]
    if num_words == 1:
        return [f"S-{label}"]
    return [f"B-{label}", *[f"I-{label}"] * (num_words - 2), f"E-{label}"]


class EntityCounts(NamedTuple):
    """Entities of each row by label."""

    labels: tuple[str, ...]
    true_NL: NDArray[np.float64]
    predicted_NL: NDArray[np.float64]
    correct_NL: NDArray[np.float64]
    """In both: same words, same label."""


def entity_counts(table: ScoredRows) -> EntityCounts:
    """Count the entities of each row in truth, in the answer, and in both."""
    task: Any = table.task
    labels: tuple[str, ...] = task.entity_labels
    if any(row.max(initial=0) >= len(table.labels) for row in table.targets):
        labels = (*labels, UNSEEN)
    place = {label: index for index, label in enumerate(labels)}
    counts_3NL = np.zeros((3, len(table.targets), len(labels)))
    for row, (true, predicted) in enumerate(zip(table.targets, table.predicted)):
        found = set(task.entities(true)), set(task.entities(predicted))
        for kind, group in enumerate((*found, found[0] & found[1])):
            for entity in group:
                counts_3NL[kind, row, place[entity.label]] += 1
    return EntityCounts(labels, *counts_3NL)
