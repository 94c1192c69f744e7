"""Arrow IPC files and streams; Feather version 2 is one of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import polars as pl

from oreline.data.input.arrow_files import frames_of


class Reader:
    """Arrow IPC, as a file (Feather 2 too) or as a stream; columns keep their types, dictionaries become their values.

    Buffers are checked before they are used, so that a damaged file is an error and nothing worse.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".arrow", ".feather", ".ipc", ".arrows")

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the rows in frames of at most `rows`. Raises `DataError` for a file that is not Arrow or damaged."""
        yield from frames_of(path, rows)
