"""A sample of the rows that stream by, every row as likely as any other, of bounded size.

Each row gets a number that depends on its place alone, and the rows with the smallest numbers stay: nothing need be
known of how many rows will come, and samples of several readers join into one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.columnar import compact
from oreline.data.fold import INPUT_ROLES
from oreline.data.ledger import source_of
from oreline.data.texts.edits import as_read

TEXT_CHARACTERS = 400
"""What is kept of each text: enough for its language and for the words that it begins with."""
KEY, SPLIT, SOURCE, ADDED = "key", "split", "source", "is_added"
_OTHERS = ("label", "group", "language")
_MOST = np.iinfo(np.uint64).max


def length_of(role: str) -> str:
    """Return the name of the column with the characters of a text role.

    >>> length_of("text")
    'length_text'
    """
    return f"length_{role}"


class RowSample:
    """Up to `size` rows: beginnings of their texts, lengths, label, group, language and source.

    A row takes some 1 kB at most (400 characters of text), so 10,000 of them about 10 MB; twice that while rows stream.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._parts: list[pl.DataFrame] = []
        self._num_held = 0
        self._num_seen = 0
        self._bound = int(_MOST)

    def add(self, split: str, frame: pl.DataFrame) -> None:
        """Take from a frame whose columns are named by role what belongs into the sample."""
        keys_N = mixed(np.arange(self._num_seen, self._num_seen + frame.height, dtype=np.uint64))
        self._num_seen += frame.height
        chosen_N = keys_N < self._bound
        if chosen_N.sum() > self._size:
            chosen_N &= keys_N <= np.partition(keys_N, self._size - 1)[self._size - 1]
        if not chosen_N.any():
            return
        some = frame.filter(pl.Series(chosen_N))
        columns = [
            pl.Series(KEY, keys_N[chosen_N]),
            pl.Series(SPLIT, [split]).new_from_index(0, some.height),
            some.select(source_of().alias(SOURCE)).to_series(),
            some.select(pl.col("row_id").str.contains(r":\d+\+").alias(ADDED)).to_series(),
        ]
        for role in INPUT_ROLES:
            if role in some.columns:
                text = as_read(some[role])
                columns += [text.str.head(TEXT_CHARACTERS).alias(role), text.str.len_chars().alias(length_of(role))]
        columns += [some[name].cast(pl.String) for name in _OTHERS if name in some.columns]
        self._take(compact(pl.DataFrame(columns)))  # a beginning of a text would hold all of it, and its frame

    def rows(self, most: int | None = None) -> pl.DataFrame:
        """Return the sample, or its first rows, which are a sample as well; in an order that is no file's."""
        self._cut()
        held = pl.concat(self._parts, how="diagonal") if self._parts else pl.DataFrame(schema={KEY: pl.UInt64})
        return held.head(most) if most is not None else held

    @property
    def num_seen(self) -> int:
        """How many rows went by."""
        return self._num_seen

    def write(self, file: Path) -> None:
        """Write the sample, and of how many rows it is."""
        self.rows().with_columns(pl.lit(self._num_seen, pl.Int64).alias("num_seen")).write_parquet(file)

    def read(self, file: Path) -> None:
        """Take in what another one wrote."""
        rows = pl.read_parquet(file)
        if not rows.height:
            return
        self._num_seen += int(rows["num_seen"][0])
        if rows["num_seen"][0] > rows.height:  # not all of its rows: those from here on are nobody's sample
            self._bound = min(self._bound, int(str(rows[KEY].max())) + 1)
        self._take(rows.drop("num_seen"))

    def _take(self, rows: pl.DataFrame) -> None:
        self._parts.append(rows)
        self._num_held += rows.height
        if self._num_held > 2 * self._size:
            self._cut()

    def _cut(self) -> None:
        """Keep the rows with the smallest numbers, in their order."""
        if not self._parts:
            return
        held = pl.concat(self._parts, how="diagonal").filter(pl.col(KEY) < self._bound)
        held = held.sort(KEY, SOURCE, maintain_order=True)
        if held.height >= self._size:
            held = held.head(self._size)
            self._bound = int(held[KEY][-1]) + 1
        self._parts, self._num_held = [compact(held)], held.height


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return numbers that look drawn at random, a different one for each (the last steps of SplitMix64).

    >>> mixed(np.arange(2, dtype=np.uint64)).tolist()
    [16294208416658607535, 7960286522194355700]
    """
    with np.errstate(over="ignore"):
        z = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)), np.uint64)
