"""What a row that is added to train may not copy: rows of other splits, exactly or nearly, and other added rows."""

from __future__ import annotations

import numpy as np
import polars as pl

from oreline.data.columnar import compact
from oreline.data.duplicates.near import MAX_CHARACTERS, NearIndex, compared
from oreline.data.external.numbers import Numbers
from oreline.data.fold import INPUT_ROLES, row_hashes

MAX_COMPARED = 100_000
"""Rows that are searched for near copies, the first ones of each run; exact copies are searched for among all."""
_MAX_BYTES = 32 << 20
"""Of hashes of rows; beyond it they lie on disk."""
COPY = "copy of a held-out row"
NEAR_COPY = "near copy of a held-out row"

REPEATED = "same as another added row"


class HeldOut:
    """Remembers rows, then says which others copy them."""

    def __init__(self) -> None:
        self._known = Numbers(max_bytes=_MAX_BYTES)
        self._texts: list[pl.DataFrame] = []
        self._index: NearIndex | None = None
        self.num_rows = 0

    def take(self, frame: pl.DataFrame) -> None:
        """Remember rows."""
        inputs = _inputs(frame)
        if not inputs or not frame.height:
            return
        self._known.add(row_hashes(frame, inputs))
        if (room := MAX_COMPARED - self.num_rows) > 0:
            texts = compared(frame.head(room), inputs).str.head(MAX_CHARACTERS)
            self._texts.append(compact(texts.to_frame("text")))
        self.num_rows += frame.height
        self._index = None

    def copies(self, frame: pl.DataFrame) -> pl.Series:
        """Return why each row is too much like a remembered one, null for each that is not."""
        inputs = _inputs(frame)
        if not inputs or not self.num_rows:
            return pl.Series("reason", [None] * frame.height, dtype=pl.String)
        if self._index is None:
            self._index = NearIndex(pl.concat(self._texts)["text"])
        near = {pair.text for pair in self._index.matches(compared(frame, inputs))}
        reasons = [
            COPY if is_copy else NEAR_COPY if place in near else None
            for place, is_copy in enumerate(self._known.has(row_hashes(frame, inputs)).tolist())
        ]
        return pl.Series("reason", reasons, dtype=pl.String)


class Added:
    """Remembers rows that were added, so that none is added twice: 8 bytes each, beyond a bound on disk.

    A model that understands nothing writes the same for every row, of whatever label.
    """

    def __init__(self) -> None:
        self._known = Numbers(max_bytes=_MAX_BYTES)

    def repeated(self, frame: pl.DataFrame) -> pl.Series:
        """Return why each row is left out that was added before, null for each that was not, and remember these."""
        is_repeated = np.zeros(frame.height, np.bool_)
        if (inputs := _inputs(frame)) and frame.height:
            hashes = row_hashes(frame, inputs)
            is_repeated[:] = True
            is_repeated[np.unique(hashes, return_index=True)[1]] = False
            is_repeated |= self._known.has(hashes)
            self._known.add(hashes)
        return pl.Series("reason", [REPEATED if is_one else None for is_one in is_repeated.tolist()], dtype=pl.String)


def _inputs(frame: pl.DataFrame) -> list[str]:
    return [role for role in INPUT_ROLES if role in frame.columns and frame.schema[role] == pl.String]
