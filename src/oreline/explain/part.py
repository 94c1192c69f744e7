"""The part of an input whose words are weighed: all of a text, of a dialogue the last turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from oreline.dialogue import as_cell, is_dialogue, messages_of

if TYPE_CHECKING:
    from oreline.types import Task

_SILENCE = "…"
"""A turn of which no word is left: an empty one cannot be answered."""


class Part(NamedTuple):
    """What of an input is explained."""

    text: str
    """The words that are weighed; places are counted in it."""
    put: Callable[[str], str]
    """Returns the input with another text in place of this one."""
    note: str
    """What a reader should know of it, or nothing."""


def part_of(task: Task, given: str) -> Part:
    """Return the part of an input to a task that is explained; of a dialogue with earlier turns the last one."""
    if not getattr(task, "dialogues", False):
        return Part(given, str, "")
    if not is_dialogue(given):
        return Part(given, lambda text: text if text.strip() else _SILENCE, "")
    try:
        *before, last = messages_of(given)
    except ValueError:
        return Part(given, str, "")  # what is wrong with it, the task says when it reads it

    def put(text: str) -> str:
        return as_cell([*before, last._replace(content=text if text.strip() else _SILENCE)])

    return Part(last.content, put, "of the dialogue the last turn was weighed" if before else "")
