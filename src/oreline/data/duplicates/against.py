"""Drop rows that also stand in files which the data must not overlap: a test set, say.

Shape suffixes: N rows of the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.columnar import frames_of
from oreline.data.duplicates.contained import ContainedIndex
from oreline.data.duplicates.drops import DROPS
from oreline.data.duplicates.near import NearIndex, compared
from oreline.data.fold import INPUT_ROLES, row_hashes
from oreline.data.ledger import source_of
from oreline.data.sources import Source, sources
from oreline.errors import DataError, did_you_mean
from oreline.types import Operator

NAME = "against"
"""What the ledger calls it."""
SAME, NEAR, HELD = "same_text", "near_duplicate", "holds_text"

Seen = dict[str, NDArray[np.bool_]]
"""Which rows of the files were found, by the way, shape (N,) each."""


class Against:
    """Drops rows whose text stands in the given files: exactly (after folding), nearly, or within a longer text.

    The files' texts pass through the same edits as the data first. They are all held in memory.
    """

    reports_only = False

    def __init__(self, given: Sequence[Any], roles: Mapping[str, str], edits: Sequence[Operator]) -> None:
        parts = [_inputs(source, roles, edits) for item in given for source in sources(item)]
        self._rows = pl.concat(parts, how="diagonal")
        self._columns = [name for name in INPUT_ROLES if name in self._rows.columns]
        self._hashes_N = row_hashes(self._rows, self._columns)
        self._first_of: dict[int, int] = {}
        for row, value in enumerate(self._hashes_N.tolist()):
            self._first_of.setdefault(value, row)
        texts = compared(self._rows, self._columns)
        self._near, self._contained = NearIndex(texts), ContainedIndex(texts)

    def reporting(self) -> Reporting:
        """Return an operator that reports the same rows and drops none: put first, it sees what others will drop."""
        return Reporting(self)

    def whole(self, scan: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        """Yield the rows to drop; `kept_id` is the row of the other file."""
        yield from self.search(scan, self.unseen())

    def unseen(self) -> Seen:
        """Return what `search` notes in: no row was found yet."""
        return {way: np.zeros(self._rows.height, np.bool_) for way in (SAME, NEAR, HELD)}

    def search(self, scan: pl.LazyFrame, seen: Seen) -> Iterator[pl.DataFrame]:
        """Yield the rows found, and note in `seen` which rows of the files each way found, of equal ones the first."""
        names = scan.collect_schema().names()
        columns = [name for name in self._columns if name in names]
        begin = 0
        for frame in frames_of(scan.select("row_id", *columns)):
            found = self._found(frame, columns, seen)
            rows = np.array(sorted(found), np.uint32)
            others, reasons, similar = zip(*(found[row] for row in rows.tolist())) if found else ((), (), ())
            yield pl.DataFrame(
                {
                    "row_id": frame["row_id"].gather(rows),
                    "reason": reasons,
                    "kept_id": self._rows["row_id"].gather(np.array(others, np.uint32)),
                    "similarity": similar,
                    "position": rows + np.uint32(begin),
                },
                schema=DROPS,
            )
            begin += frame.height

    def counts(self, seen: Seen) -> dict[str, tuple[int, int, int, int]]:
        """Return, for each file, its rows and how many of them each way found; one way only counts a row."""
        same = np.isin(self._hashes_N, self._hashes_N[seen[SAME]])
        near = seen[NEAR] & ~same
        held = seen[HELD] & ~same & ~near
        named = self._rows.select(source=source_of()).with_columns(
            same=pl.Series(same), near=pl.Series(near), held=pl.Series(held)
        )
        counted = named.group_by("source", maintain_order=True).agg(pl.len(), pl.col("same", "near", "held").sum())
        return {source: tuple(numbers) for source, *numbers in counted.iter_rows()}

    def _found(
        self, frame: pl.DataFrame, columns: Sequence[str], seen: Seen
    ) -> dict[int, tuple[int, str, float | None]]:
        """Return, by row of a frame, the row of the files, how it was found and how similar it is."""
        texts = compared(frame, columns)
        found: dict[int, tuple[int, str, float | None]] = {}
        for way, index in ((HELD, self._contained), (NEAR, self._near)):
            for row, other, similarity in index.matches(texts):
                found[row] = (other, way, round(similarity, 4))
                seen[way][other] = True
        for row, value in enumerate(row_hashes(frame, columns).tolist()):
            if (first := self._first_of.get(value)) is not None:
                found[row] = (first, SAME, None)
                seen[SAME][first] = True
        return found


class Reporting:
    """Counts which rows of the files stand in the data, before other operators drop some of these."""

    reports_only = True

    def __init__(self, guard: Against) -> None:
        self._guard = guard
        self._seen: Seen = {}

    def whole(self, scan: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        """Yield the rows whose text stands in the files."""
        self._seen = self._guard.unseen()
        yield from self._guard.search(scan, self._seen)

    def findings(self) -> dict[str, Any]:
        """Return how many rows of each file were found, and in which way."""
        counts, alarms = {}, []
        for source, (rows, same, near, held) in self._guard.counts(self._seen).items():
            named = {"with their text in the data": same, "with a near-duplicate": near, "within a longer text": held}
            counts.update({f"rows of {source}": rows, **{f"rows of {source} {what}": n for what, n in named.items()}})
            said = ", ".join(f"{number:,} {what}" for what, number in named.items() if number)
            if said:
                alarms.append(f"of the {rows:,} rows of {source}: {said}; such rows of the data are dropped")
        return {"counts": counts, "alarms": alarms}


def _inputs(source: Source, roles: Mapping[str, str], edits: Sequence[Operator]) -> pl.DataFrame:
    """Return the row ids and input texts of a file, edited as the data are."""
    frames = []
    for frame in source.frames():
        columns = {}
        for role in INPUT_ROLES:
            named = [name for name in (roles.get(role, role), role) if name in frame.columns]
            if named:
                columns[role] = pl.col(named[0]).cast(pl.String)
        if "text" not in columns:
            wanted = roles.get("text", "text")
            raise DataError(
                f"no column {wanted!r} to compare with",
                where=source.place,
                allowed=did_you_mean(wanted, frame.columns[1:]),
                remedy="name the column as in the data, or `text`",
            )
        texts = frame.select("row_id", **columns).filter(pl.col("text").is_not_null())
        for operator in edits:
            texts = operator.edit(texts)  # type: ignore[attr-defined]
        frames.append(texts.select("row_id", *columns))
    return pl.concat(frames)
