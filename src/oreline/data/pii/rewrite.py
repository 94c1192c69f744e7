"""Texts with values replaced, and where everything stands then."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from oreline.data.pii.actions import Substitutes
from oreline.data.pii.spans import Span
from oreline.dialogue import Message, as_cell, is_dialogue, messages_of
from oreline.metrics.marked import Mention, read_marked, write_marked
from oreline.words import Word, kind_of, string_list, units
from oreline.words import as_cell as as_words


class Edit(NamedTuple):
    """One value, where it stood and where its substitute stands, in characters. The value itself is not in here."""

    kind: str
    action: str
    start: int
    end: int
    new_start: int
    new_end: int
    sealed: str | None = None


class Rewritten(NamedTuple):
    """A text with substitutes, and what was done."""

    text: str
    edits: list[Edit]


def rewritten(text: str, spans: Sequence[Span], substitutes: Substitutes) -> Rewritten:
    """Replace spans, which are in order and do not overlap."""
    pieces: list[str] = []
    edits: list[Edit] = []
    done, length = 0, 0
    for span in spans:
        new = substitutes.put(span, text)
        length += span.start - done
        pieces += [text[done : span.start], new]
        action = substitutes.action(span.kind)
        edits.append(
            Edit(span.kind, action, span.start, span.end, length, length + len(new), substitutes.sealed(span, text))
        )
        length, done = length + len(new), span.end
    return Rewritten("".join([*pieces, text[done:]]), edits)


def moved(start: int, end: int, edits: Sequence[Edit]) -> tuple[int, int]:
    """Return where a part of a text stands after it was rewritten; what lies partly in a value takes in its substitute.

    >>> moved(6, 9, [Edit("qq", "mask", 0, 5, 0, 4)]), moved(3, 9, [Edit("qq", "mask", 0, 5, 0, 4)])
    ((5, 8), (0, 8))
    """
    new_start, new_end = start, end
    for edit in edits:
        if edit.end <= start:
            new_start = start + edit.new_end - edit.end
        elif edit.start <= start:
            new_start = edit.new_start
        if edit.end <= end:
            new_end = end + edit.new_end - edit.end
        elif edit.start < end:
            new_end = edit.new_end
    return new_start, max(new_start, new_end)


def moved_answers(cell: str, context: Rewritten) -> str:
    """Return answers that point into a context that was rewritten; one that held a value has the new one's text."""
    answers = json.loads(cell)
    for answer in answers:
        if answer.get("start") is not None:
            start, end = moved(answer["start"], answer["start"] + len(answer["text"]), context.edits)
            answer["start"], answer["text"] = start, context.text[start:end]
    return json.dumps(answers, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that is more than a text: the texts in it, and the cell again from these rewritten."""

    texts: list[str]
    rebuilt: Callable[[Sequence[Rewritten]], str]


def dialogue_cell(cell: str) -> Cell | None:
    """Return a cell that is a list of messages; None for any other, and for a list that is broken."""
    if not is_dialogue(cell):
        return None
    try:
        messages = messages_of(cell)
    except ValueError:
        return None

    def rebuilt(parts: Sequence[Rewritten]) -> str:
        return as_cell([Message(message.role, part.text) for message, part in zip(messages, parts)])

    return Cell([message.content for message in messages], rebuilt)


def marked_cell(cell: str) -> Cell | None:
    """Return a cell in which two entities are marked; None for any other."""
    try:
        marked = read_marked(cell)
    except ValueError:
        return None

    def rebuilt(parts: Sequence[Rewritten]) -> str:
        [part] = parts
        mentions = [Mention(*moved(m.start, m.end, part.edits), m.type) for m in (marked.head, marked.tail)]
        return write_marked(part.text, *mentions)

    return Cell([marked.text], rebuilt)


def tagged_cell(cell: str) -> Cell:
    """Return a cell whose words have tags: there are as many words after as before, so that each keeps its tag.

    A value of several words is replaced in each of them, by the same substitute, and the cell becomes a list of words.
    """
    text, words = _written_out(cell)

    def rebuilt(parts: Sequence[Rewritten]) -> str:
        [part] = parts
        written = [word.word for word in words]
        for edit in part.edits:
            if edit.action not in ("drop", "flag"):
                new = "_".join(part.text[edit.new_start : edit.new_end].split())
                for number, word in enumerate(words):
                    if word.start < edit.end and edit.start < word.end:
                        written[number] = new
        return as_words(written)

    return Cell([text], rebuilt)


def _written_out(cell: str) -> tuple[str, list[Word]]:
    """Return the text that people would write for a cell of words, and its words.

    `oreline.words.words_of` puts a space between all words of a list. Chinese has none, and a number whose every digit
    is a word is no number with spaces: a list with Chinese words is written together but for longer words of letters.

    >>> _written_out('["电", "话", "1", "3", "8", "is", "new"]')[0]
    '电话138 is new'
    """
    given = string_list(cell)
    if given is None:
        return cell, units(cell)
    is_chinese = any(kind_of(word[:1]) == "han" for word in given)
    words: list[Word] = []
    length = 0
    for word in given:
        if words and not (is_chinese and _glued(words[-1].word, word)):
            length += 1
        words.append(Word(word, length, length + len(word)))
        length += len(word)
    text = list(" " * length)
    for word, start, end in words:
        text[start:end] = word
    return "".join(text), words


def _glued(before: str, after: str) -> bool:
    return (len(before) == 1 and len(after) == 1) or not (before[-1:].isascii() and after[:1].isascii())
