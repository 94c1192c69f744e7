"""The parts of a row whose words are weighed, and the row without some of them.

All of a text; of a dialogue the last turn. Where answers are places in a text, or rest on marked ones, “…” stands for a
word that is left out, so that the places of all others stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from oreline.dialogue import as_cell, is_dialogue, messages_of
from oreline.errors import UsageError
from oreline.explain.words import COVER, covered, split, without
from oreline.words import Word, string_list, words_of
from oreline.words import as_cell as as_words

if TYPE_CHECKING:
    from oreline.types import Columns, Task

_OPTIONS = {"text": "--text", "text_pair": "--text-pair"}


class Part(NamedTuple):
    """What of one input is explained."""

    role: str
    text: str
    """The words that are weighed are its; their places are counted in it."""
    words: list[Word]
    left: Callable[[Sequence[Word]], str]
    """Returns the input without some of the words."""
    note: str = ""
    """What a reader should know of it, or nothing."""


class Place(NamedTuple):
    """A word of one part of a row."""

    part: Part
    word: Word


def row_of(task: Task, given: Any) -> dict[str, str]:
    """Return a row to explain, in the form that its task reads: the inputs by role.

    Args:
        task: of the model.
        given: a text, where the task reads no more than one; or a mapping by role, such as a row of a file.

    Raises:
        UsageError: a text is missing, or is none, or there is one too many.
        DataError: a row that the task cannot read.
    """
    row: Mapping[str, Any] = given if isinstance(given, Mapping) else {task.inputs[0]: given}
    as_read = getattr(task, "as_read", None)
    row = as_read(row) if as_read is not None else row
    missing = [role for role in task.inputs if row.get(role) is None]
    if missing:
        reads, remedies = " and ".join(task.inputs), (f'{_OPTIONS.get(role, f"{role}:")} "…"' for role in missing)
        raise UsageError(
            f"the model reads {reads}, and there is no {' and no '.join(missing)}",
            allowed=f"a row with {reads}",
            remedy=f"give it: {' '.join(remedies)}",
        )
    if row.get("text_pair") is not None and "text_pair" not in occluded(task):
        raise UsageError(
            "a second text is given, and the model reads one", allowed="text alone", remedy="leave --text-pair out"
        )
    found = {role: row[role] for role in occluded(task) if row.get(role) is not None}
    for role, value in found.items():
        if not isinstance(value, str):
            raise UsageError(f"{role} is {type(value).__name__}, not a string", allowed="strings")
    check = getattr(task, "fault", None)
    if check is not None and (fault := check(found)):
        raise fault
    return found


def occluded(task: Task) -> tuple[str, ...]:
    """Return the roles whose words may be left out."""
    return tuple(getattr(task, "occluded", task.inputs))


def parts_of(task: Task, row: Mapping[str, str]) -> list[Part]:
    """Return the parts of a row that are explained, in the order of its roles."""
    return [_needed(task, row, _part(task, role, row[role])) for role in occluded(task) if role in row]


def variants(row: Mapping[str, str], without_these: Sequence[Sequence[Place]]) -> Columns:
    """Return a row itself, and behind it the row without some words, as often as there are lists of words."""
    rows = [dict(row)]
    for places in without_these:
        by_role: dict[str, tuple[Part, list[Word]]] = {}
        for part, word in places:
            by_role.setdefault(part.role, (part, []))[1].append(word)
        rows.append({**row, **{role: part.left(words) for role, (part, words) in by_role.items()}})
    return {role: [one[role] for one in rows] for role in row}


def _needed(task: Task, row: Mapping[str, str], part: Part) -> Part:
    """Return a part without those words that the task cannot do without, such as the marks of entities."""
    check = getattr(task, "fault", None)
    if check is None:
        return part
    free = [word for word in part.words if check({**row, part.role: part.left([word])}) is None]
    return part._replace(words=free)


def _part(task: Task, role: str, given: str) -> Part:
    if getattr(task, "dialogues", False):
        return _last_turn(role, given)
    if role not in getattr(task, "covered", ()):
        return Part(role, given, split(given), lambda words: without(given, words))
    if getattr(task, "reads_words", False) and string_list(given) is not None:
        text, own = words_of(given)
        return Part(role, text, own, lambda words: as_words([COVER if word in words else word.word for word in own]))
    return Part(role, given, split(given), lambda words: covered(given, words))


def _last_turn(role: str, given: str) -> Part:
    """Return all of a text, of a dialogue with earlier turns the last one; a turn without words is silence."""
    try:
        *before, last = messages_of(given) if is_dialogue(given) else [None]
    except ValueError:
        before, last = [], None  # what is wrong with it, the task says when it reads it
    if last is None:
        return Part(role, given, split(given), lambda words: _spoken(given, words))

    def left(words: Sequence[Word]) -> str:
        return as_cell([*before, last._replace(content=_spoken(last.content, words))])

    note = "of the dialogue the last turn was weighed" if before else ""
    return Part(role, last.content, split(last.content), left, note)


def _spoken(text: str, words: Sequence[Word]) -> str:
    """Return a turn without some of its words; an empty one could not be answered."""
    rest = without(text, words)
    return rest if rest.strip() else COVER
