"""Entities exchanged for others of their type: by the tags of the rows, or by what a model finds in their texts.

Dai and Adel 2020, "An Analysis of Simple Data Augmentation for Named Entity Recognition" (mention replacement). Tags
follow: an entity of another length gets tags of its own, in the scheme of the rows.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from oreline.data.augment.making import Row, Variant
from oreline.metrics.tags import entities, scheme_of, written
from oreline.words import Word, as_cell, string_list, units, words_of

MAX_OF_TYPE = 2000
"""Different entities of a type that are kept, the first ones."""
_DRAWS = 8
"""Draws until an entity is another one."""
_WORD = "\x1f"
"""Stands before each word of an entity that comes from a list of words; refined text holds no control characters."""
_LETTERS = (("I", "M"), ("E", "L"), ("S", "U"))
"""Prefixes of BIOES, and what BMES and BILOU have in their place."""

Pools = Mapping[str, Sequence[str]]
"""Entities by type."""


class Span(NamedTuple):
    """An entity's place in a text, in characters, and its type."""

    start: int
    end: int
    label: str


class Gathered:
    """Collects the entities of rows by type, each once."""

    def __init__(self, types: Sequence[str]) -> None:
        self._types = frozenset(map(str.lower, types))
        self._found: dict[str, dict[str, None]] = {}

    def add(self, label: str, text: str) -> None:
        """Take an entity, unless its type is not asked for or has enough."""
        if self._types and label.lower() not in self._types:
            return
        own = self._found.setdefault(label, {})
        if len(own) < MAX_OF_TYPE and text.strip():
            own[text] = None

    def pools(self) -> dict[str, list[str]]:
        """Return the types of which there are two entities or more."""
        return {label: list(own) for label, own in sorted(self._found.items()) if len(own) > 1}


class Scheme(NamedTuple):
    """How entities are written as tags."""

    name: str
    """`bio`, `bioes` or `plain`."""
    letters: Mapping[str, str]
    """What stands in place of a prefix of that scheme: M for I in BMES."""

    def tags(self, num_words: int, label: str) -> list[str]:
        """Return the tags of one entity.

        >>> Scheme("bioes", {"I": "M"}).tags(3, "LOC")
        ['B-LOC', 'M-LOC', 'E-LOC']
        """
        found = written(num_words, label, self.name)
        return [self.letters.get(tag[0], tag[0]) + tag[1:] for tag in found]


def tag_scheme(frames: Iterable[pl.DataFrame]) -> Scheme:
    """Return how the tags of all rows are written."""
    seen: set[str] = set()
    for frame in frames:
        for cell in frame["tags"].unique().drop_nulls():
            seen.update(string_list(cell) or ())
    prefixes = {tag[0] for tag in seen if tag[1:2] == "-"}
    letters = {usual: other for usual, other in _LETTERS if other in prefixes and usual not in prefixes}
    if prefixes == {"I"}:  # where B only parts neighbours, and none are
        letters = {"B": "I"}
    return Scheme(scheme_of(seen), letters)


def pools_of_tags(frames: Iterable[pl.DataFrame], scheme: Scheme, types: Sequence[str]) -> dict[str, list[str]]:
    """Return the entities of rows with tags."""
    gathered = Gathered(types)
    for frame in frames:
        for cell, tags in frame.select("text", "tags").drop_nulls().iter_rows():
            text, words = words_of(cell)
            given = string_list(tags) or []
            is_list = string_list(cell) is not None
            for entity in entities(given, scheme.name) if len(given) == len(words) else ():
                own = words[entity.start : entity.end]
                gathered.add(entity.label, _as_pooled(text, own, is_list=is_list))
    return gathered.pools()


def spans_by(model: Any, texts: Sequence[str]) -> list[list[Span]]:
    """Return the entities that a model finds in each text, those that overlap an earlier one left out."""
    answers = model.predict(list(texts))
    found = []
    for given in answers["entities"].to_list():
        spans: list[Span] = []
        for entity in sorted(given or (), key=lambda entity: (entity["start"], -entity["end"])):
            span = Span(int(entity["start"]), int(entity["end"]), str(entity["label"]))
            if span.start < span.end and (not spans or span.start >= spans[-1].end):
                spans.append(span)
        found.append(spans)
    return found


class Exchange:
    """Makes variants of rows in which entities are others.

    Args:
        pools: entities by type.
        share: share of a row's entities that are exchanged, at least one.
        scheme: how tags are written; not used for texts.
    """

    def __init__(self, pools: Pools, share: float, scheme: Scheme) -> None:
        self._pools, self._share, self._scheme = pools, share, scheme

    def of_tags(self, row: Row, chance: random.Random, num: int) -> list[Variant | None]:
        """Return variants of a row with tags."""
        text, words = words_of(row.text)
        tags = string_list(row.tags or "") or []
        listed = string_list(row.text)
        found = entities(tags, self._scheme.name) if len(tags) == len(words) else []
        known = [entity for entity in found if entity.label in self._pools]
        own = [_as_pooled(text, words[entity.start : entity.end], is_list=listed is not None) for entity in known]
        variants: list[Variant | None] = []
        for _ in range(num if known else 0):
            chosen = set(chance.sample(range(len(known)), max(1, round(self._share * len(known)))))
            changes = [
                (entity.start, entity.end, entity.label, self._other(entity.label, own[place], chance))
                for place, entity in enumerate(known)
                if place in chosen
            ]
            if listed is not None:
                variants.append(self._in_list(listed, tags, changes))
            else:
                places = [(words[start].start, words[end - 1].end) for start, end, _, _ in changes]
                variants.append(self._in_text(text, tags, changes, places))
        return variants

    def of_text(self, row: Row, spans: Sequence[Span], chance: random.Random, num: int) -> list[Variant | None]:
        """Return variants of a text whose entities are known by their places."""
        known = [span for span in spans if span.label in self._pools]
        variants: list[Variant | None] = []
        for _ in range(num if known else 0):
            chosen = sorted(chance.sample(range(len(known)), max(1, round(self._share * len(known)))))
            text = row.text
            for place in reversed(chosen):
                span = known[place]
                other = self._other(span.label, row.text[span.start : span.end], chance)
                text = text[: span.start] + other + text[span.end :]
            variants.append(Variant(text, None, _how(known[place].label for place in chosen)))
        return variants

    def _other(self, label: str, own: str, chance: random.Random) -> str:
        """Return an entity of a type, another one but for a rare coincidence."""
        drawn = (chance.choice(self._pools[label]) for _ in range(_DRAWS))
        return next((entity for entity in drawn if entity != own), own)

    def _in_list(
        self, words: Sequence[str], tags: Sequence[str], changes: Sequence[tuple[int, int, str, str]]
    ) -> Variant:
        new_words, new_tags = list(words), list(tags)
        for start, end, label, entity in reversed(changes):
            own = entity[1:].split(_WORD) if entity.startswith(_WORD) else [unit.word for unit in units(entity)]
            new_words[start:end] = own
            new_tags[start:end] = self._scheme.tags(len(own), label)
        return Variant(as_cell(new_words), as_cell(new_tags), _how(label for _, _, label, _ in changes))

    def _in_text(
        self,
        text: str,
        tags: Sequence[str],
        changes: Sequence[tuple[int, int, str, str]],
        places: Sequence[tuple[int, int]],
    ) -> Variant | None:
        """Return the text with other entities; None where one has run together with the words beside it."""
        new_text, new_tags, words = text, list(tags), [unit.word for unit in units(text)]
        for (start, end, label, entity), (first, last) in zip(reversed(changes), reversed(places)):
            plain = " ".join(entity.split(_WORD)).strip()
            own = [unit.word for unit in units(plain)]
            new_text = new_text[:first] + plain + new_text[last:]
            new_tags[start:end] = self._scheme.tags(len(own), label)
            words[start:end] = own
        if [unit.word for unit in units(new_text)] != words:
            return None
        return Variant(new_text, as_cell(new_tags), _how(label for _, _, label, _ in changes))


def _as_pooled(text: str, words: Sequence[Word], *, is_list: bool) -> str:
    """Return an entity as pools hold it."""
    return "".join(_WORD + word.word for word in words) if is_list else text[words[0].start : words[-1].end]


def _how(labels: Iterable[str]) -> str:
    """Return what was done: `entity: LOC`; of several types, their names."""
    return f"entity: {', '.join(sorted(set(labels)))}"
