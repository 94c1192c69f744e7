"""What operators that edit texts share: changes with names, text columns, and the reasons that the ledger gets.

A change takes a column of texts and returns it changed. It is cheap for texts that it does not concern: an
expression, or Python for the few texts that an expression has picked out (`on_matches`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from oreline.data.fold import changed_where
from oreline.data.ledger import CHANGE_REASON
from oreline.dialogue import is_dialogue, messages_of
from oreline.words import words_of

Change = Callable[[pl.Series], pl.Series]

COLUMNS = ("text", "text_pair", "target_text")
"""Columns that are repaired, where the data has them."""
READ_COLUMNS = ("text", "text_pair")
"""Columns that are simplified: what a model reads, never what it shall write."""


def edited(
    frame: pl.DataFrame, columns: Sequence[str], changes: Mapping[str, Change], *, rounds: int = 1
) -> pl.DataFrame:
    """Return a frame with its text columns changed, and in `change_reason` the names of the changes that did something.

    Args:
        columns: those that the frame lacks, that hold no text, or whose places `tags` or `answers` count, are left out.
        changes: by name, in the order in which they are applied.
        rounds: how often all changes are applied to texts that still change. With more than one, a text that has not
            settled by then stays as it was: so applying all of it again changes nothing more.

    >>> frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["AB", "b"]})
    >>> edited(frame, COLUMNS, {"case": lambda text: text.str.to_lowercase()}).rows()
    [('a:1', 'ab', 'case'), ('a:2', 'b', None)]
    """
    # Tags count the words of their text, answers are places in their context: the chain would put those back.
    counted = {"text": "tags", "text_pair": "answers"}
    did = {name: pl.repeat(False, frame.height, eager=True).alias(name) for name in changes}
    for column in columns:
        if counted.get(column) in frame.columns:
            continue
        if column in frame.columns and frame.schema[column] == pl.String:
            text, own = _settled(frame[column], changes, rounds)
            did = {name: did[name] | own[name] for name in changes}
            frame = frame.with_columns(text.alias(column))
    named = [pl.when(pl.col(name)).then(pl.lit(name)) for name in changes]
    joined = pl.DataFrame(list(did.values())).select(
        pl.concat_str(named, separator=", ", ignore_nulls=True).alias(CHANGE_REASON)
    )
    return frame.with_columns(joined.to_series().replace("", None))


def _settled(text: pl.Series, changes: Mapping[str, Change], rounds: int) -> tuple[pl.Series, dict[str, pl.Series]]:
    """Return a column after all changes, and for each change which rows it changed."""
    before = text
    text, did = _once(text, changes)
    if rounds == 1:
        return text, did
    open_ = text.ne_missing(before).arg_true()
    for _ in range(rounds - 1):
        if not len(open_):
            return text, did
        again, more = _once(text.gather(open_), changes)
        moved = again.ne_missing(text.gather(open_))
        text = text.clone().scatter(open_, again)
        did = {name: did[name].clone().scatter(open_, did[name].gather(open_) | more[name]) for name in did}
        open_ = open_.filter(moved)
    if len(open_):
        text = text.clone().scatter(open_, before.gather(open_))
        did = {name: did[name].clone().scatter(open_, False) for name in did}
    return text, did


def _once(text: pl.Series, changes: Mapping[str, Change]) -> tuple[pl.Series, dict[str, pl.Series]]:
    did = {}
    for name, change in changes.items():
        changed = change(text)
        did[name] = text.ne_missing(changed).alias(name)
        text = changed
    return text, did


def each(change: Callable[[str], str]) -> Change:
    """Apply a Python function to every text of a column: for the few that Rust's patterns have picked out."""
    return lambda text: pl.Series(
        text.name, [None if value is None else change(value) for value in text.to_list()], dtype=pl.String
    )


def on_matches(pattern: str, change: Callable[[str], str]) -> Change:
    """Apply a Python function to the texts in which a pattern (of Rust's regular expressions) is found.

    >>> shout = on_matches("[!]", str.upper)
    >>> shout(pl.Series(["hey!", "hey", None])).to_list()
    ['HEY!', 'hey', None]
    """
    return lambda text: changed_where(text, text.str.contains(pattern), each(change))


def replacing(pattern: str, replacement: str) -> Change:
    """Replace a pattern (of Rust's regular expressions) in every text."""
    return lambda text: text.str.replace_all(pattern, replacement)


def as_read(cells: pl.Series) -> pl.Series:
    """Return the texts that cells stand for: what the messages of a dialogue say, a list of words as one text.

    >>> as_read(pl.Series(['["EU", "rejects"]', '[{"role": "user", "content": "Hi"}]', "[sic]", None])).to_list()
    ['EU rejects', 'Hi', '[sic]', None]
    """
    return changed_where(cells, cells.str.contains(r"^\s*\["), each(_read))


def _read(cell: str) -> str:
    try:
        return "\n".join(message.content for message in messages_of(cell)) if is_dialogue(cell) else words_of(cell)[0]
    except ValueError:  # a list of messages that is none
        return cell
