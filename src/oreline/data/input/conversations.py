"""From single messages to dialogues: one row a conversation, in the form that the task `chat` reads.

Who speaks first asks, everybody else answers, unless it is said who answers, or the speakers carry names of roles
(`user`, `assistant`, …). Messages that follow one another from one side become one turn. An answer that nothing was
asked before, and a question that nobody answered at the end, are left out; a conversation without any answer is too,
and is counted.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from oreline.data.external.ranks import rising
from oreline.data.external.records import SortedRecords
from oreline.data.forms.times import parsed_time
from oreline.data.input.compressed import CutOffError, batches
from oreline.dialogue import ASSISTANT, ROLE_NAMES, SYSTEM, USER, Message, as_cell
from oreline.errors import DataError, UsageError, did_you_mean

KEYS = ("conversation", "speaker", "text", "time", "assistant")
_NEEDED = ("conversation", "speaker", "text")
_MAX_NAMED = 8
_MAX_BYTES = 64 << 20
"""Of messages that are held in memory, about; beyond that they lie in temporary files."""
_DIGEST_BYTES = 16
_BEGIN = struct.Struct(">QQ")
"""When a message was written, and which it is: conversations are sorted by the least of theirs."""
_NEVER = (1 << 64) - 1
_quoted = json.JSONEncoder(ensure_ascii=False).encode
SCHEMA = {"conversation": pl.String, "date": pl.String, "speakers": pl.Int64, "messages": pl.String}


class Turn(NamedTuple):
    """One message of a conversation."""

    speaker: str
    text: str
    date: str | None = None


class Said(NamedTuple):
    """A turn on its way into its conversation."""

    conversation: str
    turn: Turn
    begin: int = 0
    """At least 0, below 2 ** 64: conversations come by the least of their messages', and of equal ones as they came."""
    within: bytes = b""
    """Sorts the messages of a conversation; those in which it is the same stay as they came."""


def dialogues_of(
    frames: Iterable[pl.DataFrame],
    asked: Mapping[str, Any],
    place: str,
    *,
    rows: int,
    note: Callable[[str], None] | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield one row for each conversation of a table of messages, in the order in which they begin.

    Messages are sorted, beyond 64 MB in temporary files; a single conversation is held whole.

    Args:
        frames: the messages; those of one conversation may lie anywhere.
        asked: the columns: `conversation`, `speaker`, `text`, and `time` to sort by; `assistant` names who answers.
        place: for messages.
        rows: in one frame, at most.
        note: told how many conversations were left out.

    Raises:
        UsageError: a key that is not one of these, or one that is lacking.
        DataError: a column that is not there, or a time that cannot be read.
        CutOffError: where the table breaks off, after the conversations of the messages before the break.
        ResourceError: for a full disk.
    """
    columns, assistants = _asked(asked, place)
    conversations = together(_said(frames, columns, place))
    yield from rows_of(conversations, assistants, rows=rows, note=note, place=place)


def together(messages: Iterable[Said], *, max_bytes: int = _MAX_BYTES) -> Iterator[tuple[str, list[Turn]]]:
    """Yield each conversation with its turns, by `Said.begin` and `Said.within`.

    Two external sorts: of all messages by the digest of their conversation, then of the conversations by where they
    begin.

    Args:
        messages: of all conversations; where they break off, the conversations of those before the break come first.
        max_bytes: held in memory, about, beside a single conversation; beyond that they lie in temporary files.

    >>> said = [Said("b", Turn("Ann", "Hello?")), Said("a", Turn("Bo", "Hi.")), Said("b", Turn("Li", "Yes."))]
    >>> [(name, [turn.text for turn in turns]) for name, turns in together(said, max_bytes=0)]
    [('b', ['Hello?', 'Yes.']), ('a', ['Hi.'])]
    """
    broken: CutOffError | None = None
    by_name = SortedRecords(max_bytes=max_bytes // 2)
    try:
        for number, (name, turn, begin, within) in enumerate(messages):
            digest, who = _head(name, turn.speaker)
            date = "null" if turn.date is None else _quoted(turn.date)
            told = f"[{who},{_quoted(turn.text)},{date}]".encode("utf-8", "surrogatepass")
            by_name.append(digest + within, _BEGIN.pack(begin, number) + told)
    except CutOffError as error:
        broken = error
    by_begin = _by_begin(by_name, max_bytes // 2)
    del by_name  # and its file
    for _, joined in by_begin:
        turns = json.loads(b"[" + joined + b"]")
        yield turns[0][0], [Turn(speaker, text, date) for _, speaker, text, date in turns]
    if broken is not None:
        raise broken


def _by_begin(by_name: SortedRecords, max_bytes: int) -> SortedRecords:
    """Return each conversation as one record, its turns with commas between them, by the least beginning of these."""
    by_begin = SortedRecords(max_bytes=max_bytes)
    for _, own in itertools.groupby(by_name, key=lambda message: message[0][:_DIGEST_BYTES]):
        records = [record for _, record in own]
        begin = min(record[: _BEGIN.size] for record in records)
        by_begin.append(begin, b",".join(record[_BEGIN.size :] for record in records))
    return by_begin


def rows_of(
    conversations: Iterable[tuple[str, Sequence[Turn]]],
    assistants: Collection[str],
    *,
    rows: int,
    place: str = "",
    note: Callable[[str], None] | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield one row for each conversation that has an answer; `note` is told how many have none.

    A frame ends where its rows have 16 million characters. Raises `DataError` where no conversation has an answer.
    """
    num_unanswered = num_rows = 0
    speakers = dict[str, None]()

    def row_of(conversation: tuple[str, Sequence[Turn]]) -> tuple[Any, ...] | None:
        nonlocal num_unanswered
        name, turns = conversation
        if messages := messages_of(turns, assistants):
            return name, turns[0].date, len({turn.speaker for turn in turns}), as_cell(messages)
        num_unanswered += 1
        speakers.update(dict.fromkeys(turn.speaker for turn in turns if len(speakers) < _MAX_NAMED))
        return None

    try:
        for part in batches(map(row_of, conversations), rows, weigh=lambda row: len(row[-1]) if row else 0):
            made = [row for row in part if row is not None]
            num_rows += len(made)
            if made:
                yield pl.DataFrame(made, schema=SCHEMA, orient="row")
    finally:
        if num_unanswered and note is not None:
            note(f"{place}: {num_unanswered:,} conversations without an answer were left out")
    if num_unanswered and not num_rows:
        raise DataError(
            f"none of the {num_unanswered:,} conversations has an answer",
            where=place,
            allowed=f"speakers are {', '.join(map(repr, list(speakers)[:_MAX_NAMED]))}",
            remedy="name those who answer by `assistant`; a conversation is begun by somebody else",
        )


def messages_of(turns: Sequence[Turn], assistants: Collection[str] = ()) -> list[Message]:
    """Return the messages of a conversation; none where nobody answers.

    >>> [m.role for m in messages_of([Turn("Ann", "Hello?"), Turn("Ann", "Is it open?"), Turn("Bo", "Yes.")])]
    ['user', 'assistant']
    >>> messages_of([Turn("Ann", "Hello?")])
    []
    """
    role_of = _roles(turns, assistants)
    said = [Message(role_of(turn.speaker), text) for turn in turns if (text := turn.text.strip())]
    opening = itertools.takewhile(lambda message: message.role == SYSTEM, said)
    rest = [message for message in said if message.role != SYSTEM]
    rest = list(itertools.dropwhile(lambda message: message.role != USER, rest))
    while rest and rest[-1].role != ASSISTANT:
        rest.pop()
    return [*_taking_turns(opening), *_taking_turns(rest)] if rest else []


def _taking_turns(messages: Iterable[Message]) -> Iterator[Message]:
    """Yield messages, those that follow one another from one side as one."""
    for role, own in itertools.groupby(messages, key=lambda message: message.role):
        yield Message(role, "\n".join(message.content for message in own))


def _roles(turns: Sequence[Turn], assistants: Collection[str]) -> Callable[[str], str]:
    answering = {name.casefold() for name in assistants}
    speakers = {turn.speaker.casefold() for turn in turns}
    first = turns[0].speaker if turns else ""
    if answering:
        return lambda who: ASSISTANT if who.casefold() in answering else USER
    if speakers & ROLE_NAMES.keys() - {"model"}:
        return lambda who: ROLE_NAMES.get(who.casefold(), USER)
    return lambda who: USER if who == first else ASSISTANT


def _asked(asked: Mapping[str, Any], place: str) -> tuple[dict[str, str], list[str]]:
    for key in asked:
        if key not in KEYS:
            raise UsageError(f"dialogues have no key {key!r}", where=place, allowed=did_you_mean(str(key), KEYS))
    if lacking := [key for key in _NEEDED if not asked.get(key)]:
        raise UsageError(f"dialogues need the column of the {lacking[0]}", where=place, allowed=f"{lacking[0]}: COLUMN")
    assistants = asked.get("assistant") or []
    names = [assistants] if isinstance(assistants, str) else [str(name) for name in assistants]
    return {key: str(asked[key]) for key in KEYS[:4] if asked.get(key)}, names


def _named(frame: pl.DataFrame, columns: Mapping[str, str], place: str) -> pl.DataFrame:
    for column in columns.values():
        if column not in frame.columns:
            raise DataError(f"no column {column!r}", where=place, allowed=did_you_mean(column, frame.columns))
    chosen = [pl.col(column).cast(pl.String, strict=False).alias(key) for key, column in columns.items()]
    return frame.select(chosen if "time" in columns else [*chosen, pl.lit(None, dtype=pl.String).alias("time")])


def _said(frames: Iterable[pl.DataFrame], columns: Mapping[str, str], place: str) -> Iterator[Said]:
    """Yield the messages that have a conversation and a text, as they came."""
    done = 0
    for frame in frames:
        named = _named(frame, columns, place)
        begins = _begins(named["time"], done, place) if "time" in columns else [0] * named.height
        done += named.height
        cells = (named[key] for key in ("conversation", "speaker", "text", "time"))
        for begin, name, who, text, date in zip(begins, *cells):
            if name is not None and text is not None:
                yield Said(name, Turn(who or "", text, date), begin, begin.to_bytes(8, "big"))


def _begins(times: pl.Series, done: int, place: str) -> list[int]:
    """Return times as numbers from 0 on; messages without one come last."""
    numbers = pl.int_range(done + 1, done + len(times) + 1, eager=True).cast(pl.String)
    parsed = parsed_time(times, numbers, place).to_physical()
    ranks = np.where(parsed.is_null().to_numpy(), np.uint64(_NEVER), rising(parsed.fill_null(0).to_numpy()))
    begins: list[int] = ranks.tolist()
    return begins


@lru_cache(maxsize=1024)
def _head(name: str, speaker: str) -> tuple[bytes, str]:
    """Return the digest of a conversation, and what JSON of a turn begins with (of single texts it is made fastest)."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
    return digest, f"{_quoted(name)},{_quoted(speaker)}"
