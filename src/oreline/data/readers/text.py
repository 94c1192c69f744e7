"""Plain text: one row a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import polars as pl

from oreline.data.decoding import line_blocks


class Reader:
    """Plain text, one row a line, in the column `text`; empty lines are rows too, so that rows are lines."""

    suffixes: ClassVar[tuple[str, ...]] = (".txt", ".text")

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the lines in frames of at most `rows`. Raises `DataError` for a file that is not text."""
        for block in line_blocks(path):
            lines = [line.removesuffix("\r") for line in block.decode().split("\n")[:-1]]
            yield from pl.DataFrame({"text": lines}).iter_slices(rows)
