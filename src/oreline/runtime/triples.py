"""From texts to triples: one model finds entities, another judges the pairs of them.

Which types may stand in a relation is read from the rows that the relation model carries with it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from oreline.errors import DataError, UsageError
from oreline.metrics.marked import Mention, read_marked, write_marked
from oreline.runtime.samples import read_samples
from oreline.store import Artifact
from oreline.types import Runtime
from oreline.words import words_of

ROWS_AT_ONCE = 512
"""Texts whose pairs are judged together."""


class Triple(NamedTuple):
    """Two entities of a text and their relation."""

    head: Mention
    relation: str
    tail: Mention


def check_models(entities: Runtime, relations: Runtime) -> None:
    """Raise `UsageError` unless one model tags entities and the other tells relations."""
    for runtime, task, what in (
        (entities, "token_classification", "finds entities"),
        (relations, "relation", "tells relations"),
    ):
        if runtime.artifact.manifest.task != task:
            raise UsageError(
                f"the model that {what} is one for {runtime.artifact.manifest.task}",
                where=str(runtime.artifact.path),
                allowed=f"a model for {task}",
            )
    if getattr(entities.task, "scheme", "") == "plain":
        raise UsageError(
            "the tags of the first model are no entities", allowed="a model trained with BIO or BIOES tags"
        )


def plausible_types(relations: Artifact) -> frozenset[tuple[str, str]] | None:
    """Return the pairs of types that have some relation in the rows that a model carries; None where none has types.

    Raises `ArtifactError` when it carries no rows.
    """
    negative = relations.manifest.task_options.get("negative")
    found = set()
    for part in ("replay", "reference"):
        for text, label in read_samples(relations, part).select("text", "label").iter_rows():
            if label is not None and label != negative:
                marked = read_marked(text)
                found.add((marked.head.type, marked.tail.type))
    return None if found <= {("", "")} else frozenset(found)


def triples(
    entities: Runtime, relations: Runtime, texts: Sequence[str], *, given: Sequence[Sequence[Mention]] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield for each text `{"entities": […], "triples": [{"head", "relation", "tail", "score"}, …]}`, in order.

    Entities are `{"text", "label", "start", "end"}`, places in characters. Every ordered pair of entities whose types
    stand in some relation is judged; those said to have none are left out.

    Args:
        entities: a model for `token_classification`.
        relations: a model for `relation`.
        texts: texts, or JSON lists of words.
        given: entities of each text, in place of those that the first model finds.

    Raises:
        UsageError: models for other tasks.
        DataError: a text that has marks of entities already.
    """
    check_models(entities, relations)
    types = plausible_types(relations.artifact)
    for start in range(0, len(texts), ROWS_AT_ONCE):
        part = texts[start : start + ROWS_AT_ONCE]
        plain = [words_of(text)[0] for text in part]
        known = _found(entities, part) if given is None else given[start : start + ROWS_AT_ONCE]
        pairs = [
            (row, head, tail)
            for row, mentions in enumerate(known)
            for head, tail in itertools.permutations(mentions, 2)
            if types is None or (head.type, tail.type) in types
        ]
        told: dict[int, list[dict[str, Any]]] = {}
        for (row, head, tail), (label, score) in zip(pairs, _judged(relations, plain, pairs, start)):
            if label is not None:
                ends = {"head": _shown(plain[row], head), "relation": label, "tail": _shown(plain[row], tail)}
                told.setdefault(row, []).append({**ends, "score": round(score, 6)})
        for row, (text, mentions) in enumerate(zip(plain, known)):
            yield {
                "entities": [_shown(text, mention) for mention in mentions],
                "triples": told.get(row, []),
            }


def triples_of(answer: Mapping[str, Any]) -> list[Triple]:
    """Return the triples of an answer of `triples`."""
    return [
        Triple(_mention(found["head"]), str(found["relation"]), _mention(found["tail"])) for found in answer["triples"]
    ]


def _mention(entity: Mapping[str, Any]) -> Mention:
    return Mention(int(entity["start"]), int(entity["end"]), str(entity["label"]))


def _shown(text: str, mention: Mention) -> dict[str, Any]:
    return {
        "text": text[mention.start : mention.end],
        "label": mention.type,
        "start": mention.start,
        "end": mention.end,
    }


def _found(entities: Runtime, texts: Sequence[str]) -> list[list[Mention]]:
    columns = {"text": list(texts)}
    answers = entities.task.decode(entities.predict(columns).outputs, columns)
    return [[_mention(entity) for entity in answer["entities"]] for answer in answers]


def _judged(
    relations: Runtime, texts: Sequence[str], pairs: Sequence[tuple[int, Mention, Mention]], num_before: int
) -> list[tuple[str | None, float]]:
    """Return the relation of each pair and its probability; None where there is none."""
    if not pairs:
        return []
    columns = {"text": [_marked(texts[row], head, tail, num_before + row) for row, head, tail in pairs]}
    negative = getattr(relations.task, "negative", None)
    told: list[tuple[str | None, float]] = []
    for answer in relations.task.decode(relations.predict(columns).outputs, columns):
        label = str(answer["label"])
        told.append((None if label == negative else label, float(answer["scores"][label])))
    return told


def _marked(text: str, head: Mention, tail: Mention, row: int) -> str:
    try:
        return write_marked(text, head, tail)
    except ValueError as error:
        raise DataError(str(error), where=f"text {row + 1}", remedy="take the marks out of the text") from error
