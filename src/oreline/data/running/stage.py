"""Rows between two passes of a refinery: on disk, in order, with a mark for those that were dropped since.

Shape suffixes: P positions, B blocks of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet

from oreline.data.columnar import Closing, ParquetFile, row_groups
from oreline.data.duplicates.tokens import I64
from oreline.data.external.table import Bits
from oreline.errors import DataError, OrelineError

MAX_ROWS = 1 << 30
"""Places are numbers of 32 bits, and a row may have three sets of shingles."""
_POSITION = "_position"
_BLOCK = 1 << 16


class Stage(Closing):
    """All rows that stand at one point of a refinery.

    Frames may differ in their columns (a JSON key that appears late): each run of equal schema is a file of its
    own, and what is read back has the union, with text where types disagree.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True)
        self._files: list[Path] = []
        self._open: ParquetFile | None = None
        self._open_schema: dict[str, pl.DataType] = {}
        self.schema: dict[str, pl.DataType] = {}
        self.num_rows = 0
        self._gone: Bits | None = None

    @classmethod
    def open(cls, folder: Path) -> Stage:
        """Open a stage that was written and closed, in this process or another."""
        stage = cls.__new__(cls)
        stage._folder, stage._open, stage._gone = folder, None, None
        stage._files, stage.schema, stage.num_rows = sorted(folder.glob("*.parquet")), {}, 0
        for file in stage._files:
            schema = pl.read_parquet_schema(file)
            stage.schema = unified(stage.schema, schema) if stage.schema else dict(schema)
            stage.num_rows += pyarrow.parquet.read_metadata(file).num_rows
        return stage

    def append(self, frame: pl.DataFrame) -> None:
        """Write one frame. Raises `DataError` for more than `MAX_ROWS` rows."""
        self.num_rows += frame.height
        if self.num_rows > MAX_ROWS:
            raise DataError(
                f"the data have more than {MAX_ROWS:,} rows",
                remedy="refine them in parts; --against keeps the rows of one part out of another",
            )
        schema = dict(frame.schema)
        if self._open is None or list(schema.items()) != list(self._open_schema.items()):
            self.close()
            file = self._folder / f"{len(self._files):05d}.parquet"
            self._open = ParquetFile(file, frame.to_arrow().schema, compression="lz4", is_passing=True)
            self._open_schema = schema
            self._files.append(file)
            self.schema = unified(self.schema, schema) if self.schema else schema
        self._open.write(frame)

    def close(self) -> None:
        """End writing."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def abandon(self) -> None:
        """Close the file that is being written."""
        if self._open is not None:
            self._open.abandon()

    @property
    def num_alive(self) -> int:
        """Rows that were not dropped."""
        return self.num_rows - (self._gone.count() if self._gone is not None else 0)

    def scan(self) -> pl.LazyFrame:
        """Return the rows that were not dropped, in order."""
        rows, gone = self._all_rows(), self._gone
        if gone is None:
            return rows

        def stay(positions: pl.Series) -> pl.Series:
            return pl.Series(~gone.at(positions.to_numpy().astype(np.int64)))

        stays = pl.col(_POSITION).map_batches(stay, return_dtype=pl.Boolean, is_elementwise=True)
        return rows.with_row_index(_POSITION).filter(stays).drop(_POSITION)

    def drop(self, named: Iterable[pl.DataFrame], *, operator: str) -> None:
        """Mark rows as dropped, named in frames by `position` (among the rows that were not dropped) or by `row_id`.

        Raises `OrelineError` for a row that is not there, or named twice.
        """
        gone = self._gone.copy() if self._gone is not None else Bits(self.num_rows)
        before, num_named, ids = gone.count(), 0, []
        alive_before_B = self._alive_before()
        for frame in named:
            by_id = frame["position"].null_count() > 0
            num_named += frame.height
            if by_id:
                ids.append(frame["row_id"])
            else:
                gone.set(self._places(frame["position"].to_numpy().astype(np.int64), alive_before_B))
        if ids:
            gone.set(self._places_of(pl.concat(ids)))
        if (num_gone := gone.count() - before) != num_named:
            raise OrelineError(
                f"the operator {operator!r} named {num_named} rows to drop, of which {num_gone} are there",
                remedy="`whole` returns each row to drop once, by its row_id",
            )
        if num_named:
            self._gone = gone

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the rows that were not dropped, in order, in frames of the full schema."""
        position = 0
        for file in self._files:
            conform = _casts(pl.read_parquet_schema(file), self.schema)
            for frame in row_groups(file):
                if self._gone is not None:
                    is_gone = self._gone.at(np.arange(position, position + frame.height))
                    position += frame.height
                    frame = frame.filter(pl.Series(~is_gone)) if is_gone.any() else frame
                yield frame.select(conform)

    def _alive_before(self) -> I64:
        """Return how many rows that were not dropped lie before each block of `_BLOCK` rows, shape (B,)."""
        alive_B = _BLOCK - self._gone.counts(_BLOCK) if self._gone is not None else np.zeros(0, np.int64)
        return np.cumsum(np.append(0, alive_B))

    def _places(self, positions: I64, alive_before_B: I64) -> I64:
        """Return where rows lie that have these positions among those that were not dropped."""
        if self._gone is None:
            return positions[positions < self.num_rows]
        block_P = np.searchsorted(alive_before_B, positions, side="right") - 1
        found = []
        for block in np.unique(block_P).tolist():
            low = block * _BLOCK
            alive = low + np.flatnonzero(~self._gone.at(np.arange(low, min(low + _BLOCK, self.num_rows))))
            inside = positions[block_P == block] - alive_before_B[block]
            found.append(alive[inside[inside < len(alive)]])
        return np.concatenate([np.zeros(0, np.int64), *found])

    def _places_of(self, row_ids: pl.Series) -> I64:
        """Return where rows lie that have these ids."""
        wanted = row_ids.to_frame("row_id").lazy()
        ids = self._all_rows().select("row_id").with_row_index(_POSITION)
        found = ids.join(wanted, on="row_id", how="semi").select(_POSITION).collect(engine="streaming")
        return found.to_series().to_numpy().astype(np.int64)

    def _all_rows(self) -> pl.LazyFrame:
        return pl.concat(
            [pl.scan_parquet(file).select(_casts(pl.read_parquet_schema(file), self.schema)) for file in self._files]
        )


def unified(first: dict[str, pl.DataType], second: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
    """Return the columns of both schemas; where their types disagree, numbers become floats and all else text."""
    merged = dict(first)
    for name, dtype in second.items():
        known = merged.get(name, dtype)
        if known == dtype or dtype == pl.Null:
            merged[name] = known
        elif known == pl.Null:
            merged[name] = dtype
        elif known.is_numeric() and dtype.is_numeric():
            both_whole = known.is_integer() and dtype.is_integer()
            merged[name] = pl.Int64() if both_whole else pl.Float64()
        else:
            merged[name] = pl.String()
    return merged


def conform(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Return a frame with the columns and types of a schema that was unified from its own."""
    return frame if list(frame.schema.items()) == list(schema.items()) else frame.select(_casts(frame.schema, schema))


def _casts(own: Mapping[str, pl.DataType], schema: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    return [
        pl.col(name).cast(dtype) if name in own else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in schema.items()
    ]
