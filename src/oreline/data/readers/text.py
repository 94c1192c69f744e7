"""Plain text: one row a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import polars as pl

from oreline.data.input.row_encodings import line_blocks


class Reader:
    """Plain text, one row a line, in the column `text`; empty lines are rows too, so that rows are lines.

    Args:
        encodings: codecs that each row is tried with, in order; none: the file has one encoding, which is detected.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".txt", ".text")
    unpacks: ClassVar[bool] = True

    def __init__(self, *, encodings: Sequence[str] = ()) -> None:
        self._encodings = encodings

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the lines in frames of at most `rows`. Raises `DataError` for a file that is not text."""
        for block in line_blocks(path, self._encodings):
            lines = [line.removesuffix("\r") for line in block.decode().split("\n")[:-1]]
            yield from pl.DataFrame({"text": lines}).iter_slices(rows)
