"""E-mail: single messages and mailboxes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import polars as pl

from oreline.data.input.archives import opened
from oreline.data.input.compressed import CutOffError, batches, beginning_of, unpacked_name
from oreline.data.input.conversations import Turn, rows_of
from oreline.data.input.decoding import EmptyFileError
from oreline.data.input.letters import MAX_LETTER_BYTES, Letter, letter_of, messages_of
from oreline.errors import DataError, UsageError

_NAMES = ("text", "subject", "from", "to", "date", "thread", "message_id")


class Reader:
    """E-mail messages (.eml) and mailboxes (.mbox): a message is a row, or a thread is a dialogue.

    Columns: `text` (plain text, or that of the HTML part; attachments are not opened), `subject`, `from`, `to`, `date`,
    `thread` (by References and In-Reply-To) and `message_id`. Of a message 8 MB are read; where its text goes on behind
    them a warning names it. To tell threads, some 200 bytes are held of each message of a mailbox; where conversations
    are asked for, all its messages are.

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
        roots: dict[str, str] = {}
        if self._conversations and _is_single(path):
            raise UsageError(
                "a file .eml holds one message, and so no conversation",
                where=str(path),
                remedy="leave out conversations, and join the messages of the folder: "
                "dialogues: {conversation: thread, speaker: from, text: text, time: date}",
            )
        if self._conversations:
            yield from rows_of(
                self._threads(path, roots),
                ["assistant"] if self._assistant else [],
                rows=rows,
                note=self.notes.append,
                place=path.name,
            )
            return
        for part in batches(self._letters(path), rows):
            found = [(*letter[:5], _root(letter, roots), letter.message_id) for letter in part]
            yield pl.DataFrame(found, schema=dict.fromkeys(_NAMES, pl.String), orient="row")

    def _threads(self, path: Path, roots: dict[str, str]) -> Iterator[tuple[str, list[Turn]]]:
        threads: dict[str, list[Letter]] = {}
        broken: CutOffError | None = None
        try:
            for letter in self._letters(path):
                threads.setdefault(_root(letter, roots), []).append(letter)
        except CutOffError as error:
            broken = error
        yield from ((name, self._turns(letters)) for name, letters in threads.items())
        if broken is not None:
            raise broken

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

    def _turns(self, letters: list[Letter]) -> list[Turn]:
        """Return the messages of a thread by their dates, those who answer under one name."""
        wanted = (self._assistant or "").casefold()
        ordered = sorted(letters, key=lambda letter: letter.date or "")
        return [
            Turn("assistant" if wanted and wanted in (letter.sender or "").casefold() else letter.sender or "",
                 letter.text or "", letter.date)
            for letter in ordered
        ]  # fmt: skip


def _is_single(path: Path) -> bool:
    return unpacked_name(path).suffix.lower() == ".eml"


def _root(letter: Letter, roots: dict[str, str]) -> str:
    """Return the id of a message's thread: that of the message that it answers, where that one was seen."""
    known = roots.get(letter.parent or "") or roots.get(letter.thread or "")
    thread = known or letter.thread or f"no-id-{len(roots) + 1}"
    for name in (letter.message_id, letter.thread, letter.parent):
        if name:
            roots.setdefault(name, thread)
    roots.setdefault(f" {len(roots)}", thread)
    return thread
