"""Review files: rows whose label a person decides about, one JSON object a line.

    {"row_id": "a.csv:7", "text": "…", "label": "given", "suggested": "other", "confidence": 0.93,
     "neighbours": [{"row_id": "a.csv:9", "label": "other", "similarity": 0.88, "text": "…"}],
     "decision": "", "hash": "…"}

`decision` is all that a person writes: `keep` (the label is right), `drop` (the row goes), `label` (it gets the
suggested label), `label=NAME` (it gets that one) or `label=+NAME` (one that no row has yet). The hash is over the row's
text and label, so that a decision about one text never falls on another.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from oreline.data.external.lines import SortedLines
from oreline.data.fold import INPUT_ROLES
from oreline.errors import DataError, ResourceError, did_you_mean

REVIEW_FILE = "review.jsonl"
"""Beside a dataset: its rows whose label is doubtful."""
NOTES = "label_review"
"""Column in which an operator writes what a reviewer should know of a row, as JSON; the data do not keep it."""
KEEP, DROP, LABEL = "keep", "drop", "label"
NEW = "+"
"""Before a label that no row has yet, where the row has one: `label=+NAME`."""
ALLOWED = f"{KEEP}, {DROP}, {LABEL} (the suggested one) or {LABEL}=NAME"
_MAX_LINE_BYTES = 16 << 20
_MAX_BYTES = 16 << 20
_SHOWN_CHARACTERS = 200
"""Of a neighbour's text."""


class Decision(NamedTuple):
    """What was decided about one row."""

    row_id: str
    line: int
    """In the file, from 1."""
    what: str
    """`keep`, `drop` or `label`."""
    label: str | None
    """The label that the row gets; only with `label`."""
    hash: str


class Decisions(NamedTuple):
    """A review file that was read."""

    path: Path
    by_row: dict[str, Decision]
    num_open: int
    """Rows without a decision."""

    def where(self, decision: Decision) -> str:
        """Name a decision's place."""
        return f"{self.path}, line {decision.line}"


def row_mark(text: str, label: str | None) -> str:
    """Return 16 hexadecimal digits over a row's text and label.

    >>> row_mark("好", "a") == row_mark("好", "a"), row_mark("好", "a") == row_mark("好", None)
    (True, False)
    """
    content = f"{text}\x1f{label if label is not None else ''}"
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def marks(frame: pl.DataFrame) -> list[str]:
    """Return the mark of every row: over its inputs and its label."""
    texts = shown_texts(frame)
    labels = frame["label"].to_list() if "label" in frame.columns else [None] * frame.height
    return [row_mark(text, label) for text, label in zip(texts, labels)]


def shown_texts(frame: pl.DataFrame) -> list[str]:
    """Return the texts that a reviewer reads: a row's inputs, each on lines of its own."""
    columns = [pl.col(role).fill_null("") for role in INPUT_ROLES if role in frame.columns]
    if not columns:
        return [""] * frame.height
    return frame.select(pl.concat_str(columns, separator="\n")).to_series().to_list()


def shortened(text: str) -> str:
    """Return what is shown of a neighbour's text."""
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


class ReviewWriter:
    """Takes the notes out of the frames that are written, and writes the review file in the end.

    Beyond a bound what was noted lies on disk: a line has the row's text, and those of its neighbours.
    """

    def __init__(self) -> None:
        self._found = SortedLines(max_bytes=_MAX_BYTES)

    def take(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame without its notes; what they say of rows is kept."""
        if NOTES not in frame.columns:
            return frame
        noted = frame.filter(pl.col(NOTES).is_not_null())
        rows = zip(noted["row_id"], shown_texts(noted), noted["label"], marks(noted), noted[NOTES])
        for row_id, text, label, mark, note in rows:
            told = json.loads(note)
            line = {"row_id": row_id, "text": text, "label": label, **told["shown"], "decision": "", "hash": mark}
            self._found.append(float(told["order"]), json.dumps(line, ensure_ascii=False))
        return frame.drop(NOTES)

    def write(self, folder: Path) -> None:
        """Write the file, the most doubtful rows first; none where no row is in doubt."""
        if len(self._found):
            _write_texts(folder / REVIEW_FILE, self._found)


def note(order: float, shown: Mapping[str, Any]) -> str:
    """Return what an operator writes into `NOTES`: what rows are sorted by, and what the reviewer is shown."""
    return json.dumps({"order": order, "shown": dict(shown)}, ensure_ascii=False)


def write_lines(file: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON Lines; the file appears complete or not at all. Raises `ResourceError` where the system refuses."""
    _write_texts(file, (json.dumps(line, ensure_ascii=False) for line in lines))


def _write_texts(file: Path, lines: Iterable[str]) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", errors="surrogatepass") as stream:
            for line in lines:
                stream.write(line + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise ResourceError(f"the file cannot be written: {error.strerror}", where=str(file)) from error


def read_lines(path: str | Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a JSON Lines file with their line numbers; blank lines are passed over.

    Raises `DataError` for a file that is not there, is no UTF-8, or has a line that is no JSON object.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            for number, raw in enumerate(iter(lambda: stream.readline(_MAX_LINE_BYTES + 1), b""), start=1):
                if len(raw) > _MAX_LINE_BYTES:
                    raise DataError("the line is longer than 16 MB", where=f"{file}, line {number}")
                if raw.strip():
                    yield number, _object(raw, f"{file}, line {number}")
    except OSError as error:
        raise DataError(
            f"the file cannot be read: {error.strerror}", where=str(file), remedy="check the path"
        ) from error


def read_decisions(path: str | Path) -> Decisions:
    """Read a review file.

    Raises `DataError`, with the line's number, for a line without row id, hash or decision, a decision that there is
    not, `label` where nothing is suggested, a text or label that was edited in place of the decision, a row that is
    decided twice, and a file without lines.
    """
    file = Path(path)
    by_row: dict[str, Decision] = {}
    num_open = 0
    for line, entry in read_lines(file):
        where = f"{file}, line {line}"
        lacking = [name for name in ("row_id", "decision", "hash") if not isinstance(entry.get(name), str)]
        if lacking:
            raise DataError(
                f"the line has no {lacking[0]}",
                where=where,
                remedy=f"take the file that refine wrote, and change `decision` alone: {ALLOWED}",
            )
        if not entry["decision"].strip():
            _refuse_edited(entry, where)
            num_open += 1
            continue
        what, label = decision_of(entry["decision"], entry.get("suggested"), where)
        decision = Decision(entry["row_id"], line, what, label, entry["hash"])
        if (first := by_row.setdefault(decision.row_id, decision)) is not decision:
            raise DataError(
                f"the row {decision.row_id} is decided twice: on line {first.line} and here",
                where=where,
                remedy="leave one of the two lines",
            )
    if not by_row and not num_open:
        raise DataError("the review file is empty", where=str(file), remedy="take the file that refine wrote")
    return Decisions(file, by_row, num_open)


def _refuse_edited(entry: Mapping[str, Any], where: str) -> None:
    """Raise `DataError` for a line that is left open, but whose text or label is not the one it was written for."""
    text, label = entry.get("text"), entry.get("label")
    if isinstance(text, str) and "label" in entry and row_mark(text, label) != entry["hash"]:
        raise DataError(
            f"the text or the label of the row {entry['row_id']} was edited, and nothing was decided",
            where=where,
            remedy=f"leave them as they were, and write into `decision`: {ALLOWED}",
        )


def decision_of(text: str, suggested: Any, where: str) -> tuple[str, str | None]:
    """Return what a decision says, and the label where it gives one. Raises `DataError` for any other text.

    >>> decision_of(" label = cash back", None, ""), decision_of("Keep", None, "")
    (('label', 'cash back'), ('keep', None))
    """
    what, equals, name = (part.strip() for part in text.partition("="))
    what = what.lower()
    if what == LABEL and (equals or isinstance(suggested, str)):
        label = name if equals else str(suggested)
        if label:
            return LABEL, label
    if what in (KEEP, DROP) and not equals:
        return what, None
    if what == LABEL:
        lacks = "no label behind the =" if equals else "no suggested label"
        raise DataError(f"the decision {text!r} has {lacks}", where=where, allowed=ALLOWED)
    known = did_you_mean(what, (KEEP, DROP, LABEL)).split("? ")[0]
    hint = f"{known}? " if known.startswith("did") else ""
    raise DataError(f"there is no decision {text!r}", where=where, allowed=hint + ALLOWED)


def count_decisions(decisions: Decisions) -> dict[str, int]:
    """Return how many rows each decision is about, those left open too."""
    made: Sequence[str] = [decision.what for decision in decisions.by_row.values()]
    return {**{what: made.count(what) for what in (KEEP, DROP, LABEL)}, "open": decisions.num_open}


def _object(raw: bytes, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError("the line is no UTF-8", where=where, remedy="save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        reason = str(error).split("\n", 1)[0]
        raise DataError(
            f"the line is no JSON: {reason}",
            where=where,
            allowed="JSON Lines, an object on each line: no CSV, no table",
            remedy="write decisions into the file that refine wrote, by a text editor or `oreline label FILE`",
        ) from error
    if not isinstance(entry, dict):
        raise DataError("the line is no JSON object", where=where, allowed='{"row_id": …, "decision": …, …}')
    return entry
