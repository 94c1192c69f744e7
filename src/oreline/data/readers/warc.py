"""Web archives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import polars as pl

from oreline.data.input.compressed import batches
from oreline.data.input.pages import decoded, page_of
from oreline.data.input.warc import Answer, Skipped, answers

_SCHEMA = dict.fromkeys(("text", "title", "date", "url", "fetched"), pl.String)
_PAGES = ("text/html", "application/xhtml+xml", "")
_PART_ROWS = 256


class Reader:
    """The pages of a web archive (WARC): the main text of each HTML answer with status 200, and where it is from.

    Columns: `text`, `title`, `date` (of the page), `url` and `fetched`. Other answers are counted and said. Memory does
    not grow with the file.

    Args:
        plain: take answers of type text/plain too, as they are.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".warc",)
    unpacks: ClassVar[bool] = True

    def __init__(self, *, plain: bool = False) -> None:
        self._plain = plain
        self.notes: list[str] = []
        """What was left out, once all is read."""

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the pages in frames of at most `rows`.

        Raises `DataError` for a file that is no WARC, and `CutOffError` after the last whole record of one that breaks
        off.
        """
        left_out: Counter[str] = Counter()
        try:
            for part in batches(answers(path), min(rows, _PART_ROWS), weigh=_length):
                if found := [row for record in part if (row := self._row(record, left_out))]:
                    yield pl.DataFrame(found, schema=_SCHEMA, orient="row")
        finally:
            if left_out:
                counted = ", ".join(f"{count:,} {why}" for why, count in left_out.most_common(8))
                self.notes.append(f"{left_out.total():,} answers were left out: {counted}")

    def _row(self, record: Answer | Skipped, left_out: Counter[str]) -> tuple[str | None, ...] | None:
        if isinstance(record, Skipped):
            left_out[record.why] += 1
            return None
        kind = record.headers.get("content-type", "")
        plain = kind.partition(";")[0].strip().lower()
        why = ""
        if record.status != 200:
            why = f"with status {record.status}"
        elif plain not in _PAGES and not (self._plain and plain == "text/plain"):
            why = f"of type {plain[:40]}"
        if why:
            left_out[why] += 1
            return None
        text = decoded(record.body, kind)
        if plain == "text/plain":
            return text, None, None, record.url, record.date
        page = page_of(text, record.url or None)
        return page.text, page.title, page.date, record.url, record.date


def _length(record: Answer | Skipped) -> int:
    return 0 if isinstance(record, Skipped) else len(record.body)
