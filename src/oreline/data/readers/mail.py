"""E-mail: single messages and mailboxes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import polars as pl

from oreline.data.external.text_table import TextTable
from oreline.data.input.archives import opened
from oreline.data.input.compressed import batches, beginning_of, unpacked_name
from oreline.data.input.conversations import Said, Turn, rows_of, together
from oreline.data.input.decoding import EmptyFileError
from oreline.data.input.letters import MAX_LETTER_BYTES, Letter, letter_of, messages_of
from oreline.errors import DataError, UsageError

_NAMES = ("text", "subject", "from", "to", "date", "thread", "message_id")
_ROOTS_BYTES = 32 << 20
"""Of ids of messages and their threads that are held in memory, about."""


class Reader:
    """E-mail messages (.eml) and mailboxes (.mbox): a message is a row, or a thread is a dialogue.

    Columns: `text` (plain text, or that of the HTML part; attachments are not opened), `subject`, `from`, `to`, `date`,
    `thread` (by References and In-Reply-To) and `message_id`. Of a message 8 MB are read; where its text goes on behind
    them a warning names it. Memory does not grow with the mailbox: beyond 32 MB the ids of its messages and their
    threads lie in a temporary file, and beyond 64 MB so does what is read of the messages, where conversations are
    asked for. A single thread is held whole.

    Args:
        conversations: a row is a thread of a mailbox, as a dialogue for the task `chat`: who writes first asks, the
            others answer. For a folder of .eml say `dialogues` instead (docs/how-to.md).
        assistant: the address, or a part of it, of those who answer, where conversations are asked for.
        quotes: keep what a message quotes of those before it.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".mbox", ".eml")
    unpacks: ClassVar[bool] = True
    one_row: ClassVar[tuple[str, ...]] = (".eml",)

    def __init__(self, *, conversations: bool = False, assistant: str | None = None, quotes: bool = False) -> None:
        self._conversations, self._assistant, self._quotes = conversations, assistant, quotes
        self.notes: list[str] = []
        """What was left out or cut, once all is read."""

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield messages or threads in frames of at most `rows`.

        Raises `DataError` for a file that holds no message, `CutOffError` after the last whole message of a mailbox
        that breaks off, or after the beginning of a single message that does, and `UsageError` where the conversations
        of a single message are asked for.
        """
        roots = _Roots()
        if self._conversations and _is_single(path):
            raise UsageError(
                "a file .eml holds one message, and so no conversation",
                where=str(path),
                remedy="leave out conversations, and join the messages of the folder: "
                "dialogues: {conversation: thread, speaker: from, text: text, time: date}",
            )
        if self._conversations:
            yield from rows_of(
                together(self._said(letter, roots) for letter in self._letters(path)),
                ["assistant"] if self._assistant else [],
                rows=rows,
                note=self.notes.append,
                place=path.name,
            )
            return
        for part in batches(self._letters(path), rows, weigh=lambda letter: len(letter.text or "")):
            found = [(*letter[:5], roots.of(letter), letter.message_id) for letter in part]
            yield pl.DataFrame(found, schema=dict.fromkeys(_NAMES, pl.String), orient="row")

    def _letters(self, path: Path) -> Iterator[Letter]:
        with opened(path) as stream:
            if not _is_single(path):
                for number, (data, is_whole) in enumerate(messages_of(stream, path), 1):
                    yield self._told(letter_of(data, quotes=self._quotes, is_whole=is_whole), number)
                return
            data, broken = beginning_of(stream, MAX_LETTER_BYTES + 1)
        if not data.strip():
            raise EmptyFileError(path)
        letter = letter_of(data, quotes=self._quotes)
        if not any(letter[1:-1]):
            raise DataError(
                "the file is no e-mail message: it has no headers", where=str(path), remedy="check what it holds"
            )
        yield self._told(letter, 1)
        if broken is not None:
            raise broken

    def _told(self, letter: Letter, number: int) -> Letter:
        if letter.is_cut:
            self.notes.append(
                f"message {number} is longer than {MAX_LETTER_BYTES >> 20} MB, and only what its first "
                f"{MAX_LETTER_BYTES >> 20} MB say is read (give a long text as CSV or JSON Lines)"
            )
        return letter

    def _said(self, letter: Letter, roots: _Roots) -> Said:
        """Return a message of its thread, where they are sorted by date; those who answer have one name."""
        wanted, sender = (self._assistant or "").casefold(), letter.sender or ""
        speaker = "assistant" if wanted and wanted in sender.casefold() else sender
        turn = Turn(speaker, letter.text or "", letter.date)
        return Said(roots.of(letter), turn, within=(letter.date or "").encode())


def _is_single(path: Path) -> bool:
    return unpacked_name(path).suffix.lower() == ".eml"


class _Roots:
    """The threads of messages by their ids, those that they only name included; beyond a bound on disk."""

    def __init__(self, max_bytes: int = _ROOTS_BYTES) -> None:
        self._threads = TextTable(max_bytes=max_bytes)
        self._count = 0
        """Messages, and ids."""

    def of(self, letter: Letter) -> str:
        """Return the id of the next message's thread: that of the message that it answers, where that one was seen."""
        known = self._threads.get(letter.parent or "") or self._threads.get(letter.thread or "")
        thread = known or letter.thread or f"no-id-{self._count + 1}"
        for name in (letter.message_id, letter.thread, letter.parent):
            self._count += bool(name and self._threads.add(name, thread))
        self._count += 1
        return thread
