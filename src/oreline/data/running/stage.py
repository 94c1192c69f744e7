"""Rows between two passes of a refinery: on disk, in order, with a mark for those that were dropped since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet
from numpy.typing import NDArray

from oreline.data.columnar import Closing, ParquetFile
from oreline.errors import OrelineError


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
        self._dropped: list[pl.DataFrame] = []
        self._alive: NDArray[np.bool_] | None = None

    @classmethod
    def open(cls, folder: Path) -> Stage:
        """Open a stage that was written and closed, in this process or another."""
        stage = cls.__new__(cls)
        stage._folder, stage._open, stage._dropped, stage._alive = folder, None, [], None
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
            self._open = ParquetFile(file, frame.to_arrow().schema, compression="lz4")
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
        return self.num_rows - sum(drops.height for drops in self._dropped)

    def scan(self) -> pl.LazyFrame:
        """Return the rows that were not dropped, in order."""
        parts = [
            pl.scan_parquet(file).select(_casts(pl.read_parquet_schema(file), self.schema)) for file in self._files
        ]
        rows = pl.concat(parts)
        for drops in self._dropped:
            rows = rows.join(drops.lazy(), on="row_id", how="anti", maintain_order="left")
        return rows

    def drop(self, row_ids: pl.Series, *, operator: str) -> None:
        """Mark rows as dropped. Raises `OrelineError` for a row that is not there, or named twice."""
        drops = row_ids.to_frame("row_id")
        if drops.is_empty():
            return
        ids = self.scan().select("row_id").with_row_index("position")
        found = ids.join(drops.lazy(), on="row_id", how="semi").select(pl.len()).collect(engine="streaming").item()
        if found != drops.height or drops["row_id"].n_unique() != drops.height:
            raise OrelineError(
                f"the operator {operator!r} named {drops.height} rows to drop, of which {found} are there",
                remedy="`whole` returns each row to drop once, by its row_id",
            )
        self._dropped.append(drops)
        self._alive = None

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the rows that were not dropped, in order, in frames of the full schema."""
        alive = self._alive_rows()
        position = 0
        for file in self._files:
            conform = _casts(pl.read_parquet_schema(file), self.schema)
            with pyarrow.parquet.ParquetFile(file) as parquet:
                for group in range(parquet.num_row_groups):  # `iter_batches` would hold the whole file
                    frame = pl.DataFrame(parquet.read_row_group(group, use_threads=False)).select(conform)
                    mask = alive[position : position + frame.height]
                    position += frame.height
                    yield frame if mask.all() else frame.filter(pl.Series(mask))

    def _alive_rows(self) -> NDArray[np.bool_]:
        if self._alive is None:
            self._alive = np.ones(self.num_rows, np.bool_)
            if self._dropped:
                drops = pl.concat(self._dropped).lazy()
                ids = pl.concat([pl.scan_parquet(file).select("row_id") for file in self._files])
                gone = ids.with_row_index("position").join(drops, on="row_id", how="semi")
                self._alive[gone.select("position").collect(engine="streaming")["position"].to_numpy()] = False
        return self._alive


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
