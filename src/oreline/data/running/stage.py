"""Rows between two passes of a refinery: on disk, in order, with a mark for those that were dropped since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet

from oreline.data.columnar import Closing, ParquetFile, row_groups
from oreline.errors import OrelineError

_POSITION = "_position"


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
        self._gone = np.zeros(0, np.uint32)

    @classmethod
    def open(cls, folder: Path) -> Stage:
        """Open a stage that was written and closed, in this process or another."""
        stage = cls.__new__(cls)
        stage._folder, stage._open, stage._gone = folder, None, np.zeros(0, np.uint32)
        stage._files, stage.schema, stage.num_rows = sorted(folder.glob("*.parquet")), {}, 0
        for file in stage._files:
            schema = pl.read_parquet_schema(file)
            stage.schema = unified(stage.schema, schema) if stage.schema else dict(schema)
            stage.num_rows += pyarrow.parquet.read_metadata(file).num_rows
        return stage

    def append(self, frame: pl.DataFrame) -> None:
        """Write one frame."""
        schema = dict(frame.schema)
        if self._open is None or list(schema.items()) != list(self._open_schema.items()):
            self.close()
            file = self._folder / f"{len(self._files):05d}.parquet"
            self._open = ParquetFile(file, frame.to_arrow().schema, compression="lz4", is_passing=True)
            self._open_schema = schema
            self._files.append(file)
            self.schema = unified(self.schema, schema) if self.schema else schema
        self._open.write(frame)
        self.num_rows += frame.height

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
        return self.num_rows - len(self._gone)

    def scan(self) -> pl.LazyFrame:
        """Return the rows that were not dropped, in order."""
        rows = self._all_rows()
        if not len(self._gone):
            return rows
        gone = pl.LazyFrame({_POSITION: self._gone})
        numbered = rows.with_row_index(_POSITION)
        return numbered.join(gone, on=_POSITION, how="anti", maintain_order="left").drop(_POSITION)

    def drop(self, row_ids: pl.Series, *, operator: str) -> None:
        """Mark rows as dropped. Raises `OrelineError` for a row that is not there, or named twice."""
        if row_ids.is_empty():
            return
        wanted = row_ids.to_frame("row_id").lazy()
        ids = self._all_rows().select("row_id").with_row_index(_POSITION)
        found = ids.join(wanted, on="row_id", how="semi").select(_POSITION).collect(engine="streaming")
        places = np.setdiff1d(found.to_series().to_numpy(), self._gone)
        if len(places) != len(row_ids) or row_ids.n_unique() != len(row_ids):
            raise OrelineError(
                f"the operator {operator!r} named {len(row_ids)} rows to drop, of which {len(places)} are there",
                remedy="`whole` returns each row to drop once, by its row_id",
            )
        self._gone = np.union1d(self._gone, places)

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the rows that were not dropped, in order, in frames of the full schema."""
        position = 0
        for file in self._files:
            conform = _casts(pl.read_parquet_schema(file), self.schema)
            for frame in row_groups(file):
                low, high = np.searchsorted(self._gone, (position, position + frame.height))
                gone = self._gone[low:high] - position
                position += frame.height
                if len(gone):
                    stays = np.ones(frame.height, np.bool_)
                    stays[gone] = False
                    frame = frame.filter(pl.Series(stays))
                yield frame.select(conform)

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
