"""Texts in which two entities are marked: `<e1>Ann</e1> works for <e2:ORG>Acme</e2>.`

The first is the head, the second the tail, whichever comes first; a type may stand in the opening mark. This is the
form of SemEval-2010 task 8 (Hendrickx et al., https://aclanthology.org/S10-1006), with types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from oreline.words import string_list, words_of

_MARK = re.compile(r"<(/?)e([12])(?::([^<>]*))?>")
_KEYS = (("start", "start_offset"), ("end", "end_offset"), ("label", "type"))


class Mention(NamedTuple):
    """An entity in a text, in characters: `text[start:end]`, and its type, empty where it has none."""

    start: int
    end: int
    type: str = ""


class Marked(NamedTuple):
    """A text with two entities."""

    text: str
    head: Mention
    tail: Mention


def read_marked(cell: str) -> Marked:
    """Return the text of a cell without its marks, and the entities between them.

    >>> marked = read_marked("<e1:PER>Ann</e1> works for <e2>Acme</e2>.")
    >>> marked.text, marked.head
    ('Ann works for Acme.', Mention(start=0, end=3, type='PER'))

    Raises `ValueError` unless each of the two is marked once, and is not empty.
    """
    pieces: list[str] = []
    length, done = 0, 0
    opened: dict[str, tuple[int, str]] = {}
    found: dict[str, Mention] = {}
    for mark in _MARK.finditer(cell):
        pieces.append(cell[done : mark.start()])
        length, done = length + mark.start() - done, mark.end()
        closes, number, type_ = mark.groups()
        if closes and number in opened and number not in found:
            found[number] = Mention(opened[number][0], length, opened[number][1])
        elif not closes and number not in opened:
            opened[number] = length, (type_ or "").strip()
        else:
            raise ValueError(f"the mark {mark[0]} stands there without its other half, or twice")
    if lacking := [f"<e{number}>" for number in "12" if number not in found]:
        raise ValueError(f"the text has no {' and no '.join(lacking)} with its end")
    if empty := next((number for number, mention in found.items() if mention.start == mention.end), None):
        raise ValueError(f"nothing stands between <e{empty}> and its end")
    return Marked("".join([*pieces, cell[done:]]), found["1"], found["2"])


def write_marked(text: str, head: Mention, tail: Mention) -> str:
    """Return a text with the marks of two entities, which may overlap.

    >>> write_marked("Ann works for Acme.", Mention(0, 3, "PER"), Mention(14, 18))
    '<e1:PER>Ann</e1> works for <e2>Acme</e2>.'

    Raises `ValueError` for an entity outside of the text, and for a text that has marks already.
    """
    if found := _MARK.search(text):
        raise ValueError(f"the text has a mark already: {found[0]}")
    marks: list[tuple[int, int, int, str]] = []
    for number, (start, end, type_) in enumerate((head, tail), start=1):
        if not 0 <= start < end <= len(text):
            raise ValueError(f"the entity {start} to {end} lies outside of a text of {len(text):,} characters")
        # At one place, what ends stands before what begins.
        marks.append((start, 1, number, f"<e{number}:{type_}>" if type_ else f"<e{number}>"))
        marks.append((end, 0, number, f"</e{number}>"))
    for place, _, _, mark in sorted(marks, reverse=True):
        text = text[:place] + mark + text[place:]
    return text


def mention_of(given: Any, cell: str) -> Mention:
    """Return where an entity stands in a text, from the forms that people have.

    Args:
        given: `[start, end]`, `[start, end, type]`, `{"start", "end", "type"}`, any of these as JSON, or the entity's
            own words where they occur once. Places are characters; of a text that is a list of words, numbers of words.
            The end is not included.
        cell: the text, or a JSON list of its words.

    Raises `ValueError` for anything else.

    >>> mention_of([0, 1, "PER"], '["Ann", "works"]'), mention_of("works", "Ann works")
    (Mention(start=0, end=3, type='PER'), Mention(start=4, end=9, type=''))
    """
    text, words = words_of(cell)
    if isinstance(given, str) and given.lstrip()[:1] in ("[", "{"):
        given = json.loads(given)
    if isinstance(given, str):
        places = [found.start() for found in re.finditer(re.escape(given), text)] if given else []
        if len(places) != 1:
            raise ValueError(f"the entity {given[:80]!r} occurs {len(places)} times in its text")
        return Mention(places[0], places[0] + len(given))
    if isinstance(given, Mapping):
        values = [next((given[key] for key in keys if key in given), None) for keys in _KEYS]
    else:
        values = list(given) if isinstance(given, Sequence) else []
    try:
        first, last, type_ = [*values, None][:3]
        start, end = int(str(first)), int(str(last))
    except (TypeError, ValueError):
        raise ValueError(f"{str(given)[:80]} is no entity: start and end are needed") from None
    if string_list(cell) is not None:
        if not 0 <= start < end <= len(words):
            raise ValueError(f"the entity {start} to {end} lies outside of a text of {len(words):,} words")
        start, end = words[start].start, words[end - 1].end
    return Mention(start, end, str(type_ or "").replace("<", "").replace(">", "").strip())
