"""How a delimited file is written: delimiter, quoting, and whether its first row names the columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = (",", ";", "\t", "|")
NO_DELIMITER = "\x1f"
"""For a file of one column: a character that text does not contain, so that commas in it separate nothing."""

_VALUE = re.compile(r"[-+]?[\d.,:/eE%-]*\d[\d.,:/eE%TZ -]*")
_USUAL = frozenset(("text", "label", "text_pair", "target_text", "row_id", "文本", "标签"))
_MAX_NAME_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Dialect:
    """Delimiter and quoting of a file."""

    delimiter: str = ","
    quoted: bool = True
    """Whether `"` opens a field; tab-separated files often use it as plain text."""
    escape: str | None = None
    """`\\` where quotes inside a field are written `\\"` and not `""`."""
    skip_space: bool = False
    """Whether spaces after a delimiter are no part of the field."""

    @property
    def is_plain(self) -> bool:
        """Whether the fast parser reads it."""
        return self.escape is None and not self.skip_space

    def reader(self, lines: Iterable[str], *, strict: bool = True) -> Reader:
        """Return the standard library's reader for it; a strict one refuses malformed quotes."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            escapechar=self.escape,
            skipinitialspace=self.skip_space,
            strict=strict,
        )


def dialect_of(sample: str) -> Dialect:
    """Detect the dialect from the first rows of a file.

    The candidate wins whose rows most often have as many fields as the header, and at least two.

    >>> dialect_of('text;label\\n"good; really";1\\nbad;0\\n').delimiter
    ';'
    >>> dialect_of("text\\nwell, well\\nno\\n").delimiter == NO_DELIMITER
    True
    """
    scored = [(_score(sample, dialect), dialect) for dialect in _candidates(sample)]
    best_score, best = max(scored, key=lambda entry: entry[0])  # the first of equals
    if best_score == (0.0, 0):
        return Dialect(NO_DELIMITER)
    cells = (cell for row in _rows(sample, best)[0] for cell in row)
    return replace(best, skip_space=best.quoted and any(cell.startswith(' "') for cell in cells))


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: short, distinct, no numbers or dates, no value of the rows below.

    >>> has_header([["text", "label"], ["good", "1"]]), has_header([["good film", "1"], ["bad film", "0"]])
    (True, False)

    A name that columns of texts and labels have makes it one though others stand twice, or empty columns have none.

    >>> has_header([["text", "text", ""], ["good", "film", ""]]), has_header([["good", "good", ""], ["bad", "x", ""]])
    (True, False)
    """
    first, rest = rows[0], rows[1:]
    names = [name.strip() for name in first]
    is_usual = any(name.lower() in _USUAL for name in names)
    if len(set(names)) < len(names) and "" not in names and not is_usual:
        return False
    if any(len(name) > _MAX_NAME_CHARACTERS or _VALUE.fullmatch(name) for name in names):
        return False
    filled = {place for row in rest for place, cell in enumerate(row) if cell.strip()}
    unnamed = {place for place, name in enumerate(names) if place and not name}  # a data frame's index stands first
    if unnamed and not (is_usual and unnamed.isdisjoint(filled)):
        return False
    others = [row for row in rest if list(row) != list(first)]  # joined files repeat the header
    return not any(name in column for name, column in zip(names, zip(*others)) if name or not is_usual)


def column_names(first: Sequence[str], *, header: bool) -> list[str]:
    """Return one distinct name for each column.

    >>> column_names(["", "text", "text"], header=True), column_names(["a b", "1"], header=False)
    (['column_1', 'text', 'text_2'], ['column_1', 'column_2'])
    """
    names: list[str] = []
    for number, cell in enumerate(first, start=1):
        name = (cell.strip().lstrip("\ufeff") if header else "") or f"column_{number}"
        names.append(name if name not in names else f"{name}_{number - 1}")
    return names


def _candidates(sample: str) -> list[Dialect]:
    candidates = []
    for delimiter in DELIMITERS:
        if delimiter in sample:
            candidates.append(Dialect(delimiter))
            if '\\"' in sample:
                candidates.append(Dialect(delimiter, escape="\\"))
            if '"' in sample and delimiter in "\t|":
                candidates.append(Dialect(delimiter, quoted=False))
    return candidates or [Dialect(NO_DELIMITER)]


def _score(sample: str, dialect: Dialect) -> tuple[float, int]:
    """Share of the rows that are as wide as the header, then that width; 0 for less than two columns.

    Half of it when the quoting has a fault, since the rows after a fault are not seen.
    """
    rows, is_sound = _rows(sample, dialect)
    if not rows or len(rows[0]) < 2:
        return (0.0, 0)
    share = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
    return share if is_sound else share / 2, len(rows[0])


def _rows(sample: str, dialect: Dialect) -> tuple[list[list[str]], bool]:
    """Return the rows of a sample that are not blank, up to a fault in the quoting, and whether there was none."""
    rows: list[list[str]] = []
    try:
        rows.extend(row for row in dialect.reader(io.StringIO(sample, newline="")) if row)
    except csv.Error as error:
        # The sample may end within a quoted field; that is no fault of the dialect.
        return rows, "unexpected end" in str(error) and bool(rows)
    return rows, True
