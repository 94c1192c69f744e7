"""From single messages to dialogues: one row a conversation, in the form that the task `chat` reads.

Who speaks first asks, everybody else answers, unless it is said who answers, or the speakers carry names of roles
(`user`, `assistant`, …). Messages that follow one another from one side become one turn. An answer that nothing was
asked before, and a question that nobody answered at the end, are left out; a conversation without any answer is too,
and is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from oreline.data.forms.times import parsed_time
from oreline.data.input.compressed import batches
from oreline.dialogue import ASSISTANT, ROLE_NAMES, SYSTEM, USER, Message, as_cell
from oreline.errors import DataError, UsageError, did_you_mean

KEYS = ("conversation", "speaker", "text", "time", "assistant")
_NEEDED = ("conversation", "speaker", "text")
_MAX_NAMED = 8
SCHEMA = {"conversation": pl.String, "date": pl.String, "speakers": pl.Int64, "messages": pl.String}


class Turn(NamedTuple):
    """One message of a conversation."""

    speaker: str
    text: str
    date: str | None = None


def dialogues_of(
    frames: Iterable[pl.DataFrame],
    asked: Mapping[str, Any],
    place: str,
    *,
    rows: int,
    note: Callable[[str], None] | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield one row for each conversation of a table of messages, in the order in which they begin.

    Args:
        frames: the messages; those of one conversation may lie anywhere. Their texts are held in memory.
        asked: the columns: `conversation`, `speaker`, `text`, and `time` to sort by; `assistant` names who answers.
        place: for messages.
        rows: in one frame, at most.
        note: told how many conversations were left out.

    Raises:
        UsageError: a key that is not one of these, or one that is lacking.
        DataError: a column that is not there, or a time that cannot be read.
    """
    columns, assistants = _asked(asked, place)
    table = pl.concat([_named(frame, columns, place) for frame in frames], how="vertical_relaxed")
    if "time" in columns:
        numbers = pl.Series("row_id", range(1, table.height + 1)).cast(pl.String)
        table = table.with_columns(parsed_time(table["time"], numbers, place).alias("when"))
        table = table.sort("when", maintain_order=True, nulls_last=True)
    table = table.drop_nulls(["conversation", "text"])
    conversations = (
        (str(name[0]), [Turn(who or "", text, when) for who, text, when in part.iter_rows()])
        for name, part in table.select("conversation", "speaker", "text", "time").group_by(
            "conversation", maintain_order=True
        )
        for part in [part.drop("conversation")]
    )
    yield from rows_of(conversations, assistants, rows=rows, note=note, place=place)


def rows_of(
    conversations: Iterable[tuple[str, Sequence[Turn]]],
    assistants: Collection[str],
    *,
    rows: int,
    place: str = "",
    note: Callable[[str], None] | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield one row for each conversation that has an answer; `note` is told how many have none.

    Raises `DataError` where no conversation has one.
    """
    num_unanswered = num_rows = 0
    speakers = dict[str, None]()
    try:
        for part in batches(iter(conversations), rows):
            made = []
            for name, turns in part:
                if messages := messages_of(turns, assistants):
                    made.append((name, turns[0].date, len({turn.speaker for turn in turns}), as_cell(messages)))
                else:
                    num_unanswered += 1
                    speakers |= dict.fromkeys(turn.speaker for turn in turns if len(speakers) < _MAX_NAMED)
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
    merged: list[Message] = []
    for turn in turns:
        role, text = role_of(turn.speaker), turn.text.strip()
        if not text:
            continue
        if merged and merged[-1].role == role:
            merged[-1] = Message(role, f"{merged[-1].content}\n{text}")
        else:
            merged.append(Message(role, text))
    opening = [message for message in merged[:1] if message.role == SYSTEM]
    rest = [message for message in merged if message.role != SYSTEM]
    while rest and rest[0].role != USER:
        del rest[0]
    while rest and rest[-1].role != ASSISTANT:
        del rest[-1]
    return [*opening, *_taking_turns(rest)] if rest else []


def _taking_turns(messages: Sequence[Message]) -> Iterator[Message]:
    """Yield messages with those of one side joined again, now that others between them are gone."""
    held: Message | None = None
    for message in messages:
        if held is not None and held.role == message.role:
            held = Message(held.role, f"{held.content}\n{message.content}")
            continue
        if held is not None:
            yield held
        held = message
    if held is not None:
        yield held


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
