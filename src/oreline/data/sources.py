"""What `refine` reads: files, folders, catalog names, and tables in memory, all as frames with row ids.

A row id is `source:row`: the file's name (relative to what the given files have in common) and the row's number
in it, from 1, headers not counted. It stays the same whatever is done to the row.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from oreline import registry
from oreline.data.dataset import DATASET, Dataset
from oreline.errors import DataError, ResourceError, UsageError, did_you_mean

ROW_ID = "row_id"
FRAME_ROWS = 8192
CATALOG = "catalog:"


@dataclass(frozen=True, slots=True)
class Source:
    """One file or one table: its name in row ids, and how to read it."""

    name: str
    path: Path | None = None
    table: Any = None
    catalog: str = ""
    has_ids: bool = False
    """A shard of a dataset: its rows keep the ids that they have."""

    def frames(self, *, rows: int = FRAME_ROWS) -> Iterator[pl.DataFrame]:
        """Yield frames of at most `rows` rows with `row_id` and the source's own columns.

        Raises `DataError` when it holds no row, or as its reader says.
        """
        done = 0
        for frame in self._plain_frames(rows):
            if frame.height:
                yield frame if self.has_ids else _with_row_ids(frame, self.name, done)
                done += frame.height
        if done == 0:
            raise DataError(
                "there are no rows", where=self.place, remedy="check how the file was written, or leave it out"
            )

    @property
    def place(self) -> str:
        """Where it lies, for messages."""
        return str(self.path) if self.path else f"{CATALOG}{self.catalog}" if self.catalog else self.name

    def _plain_frames(self, rows: int) -> Iterator[pl.DataFrame]:
        if self.catalog:
            yield from registry.create("catalog", self.catalog).frames(rows=rows)
        elif self.path is not None:
            reader = registry.create("reader", reader_of(self.path))
            try:
                yield from reader.frames(self.path, rows=rows)
            except PermissionError as error:
                raise ResourceError(
                    "no permission to read the file", where=str(self.path), remedy="ask its owner, or copy it"
                ) from error
        else:
            yield from self.table.iter_slices(rows)


def frames(source: Any, *, rows: int = FRAME_ROWS) -> Iterator[pl.DataFrame]:
    """Yield any source as frames of at most `rows` rows: `row_id`, then the source's own columns.

    Args:
        source: a path, a glob, a folder, or a list of them; `catalog:NAME`; a mapping of lists; a list of mappings;
            a Polars or pandas frame; an Arrow table; a Hugging Face dataset.
        rows: rows in one frame, at most.

    Raises:
        UsageError: the source is nothing that can be read.
        DataError: a file is empty, broken, or binary.
    """
    for part in sources(source):
        yield from part.frames(rows=rows)


def sources(source: Any) -> list[Source]:
    """Return the files and tables that a source consists of. Raises `UsageError` when there is none."""
    if isinstance(source, Dataset):
        source = source.path
    if isinstance(source, str | os.PathLike):
        return _from_paths([source])
    if isinstance(source, Sequence) and source and all(isinstance(item, str | os.PathLike) for item in source):
        return _from_paths(list(source))
    return [Source("data", table=_table(source))]


def is_dataset(source: Any) -> bool:
    """Whether a source is a dataset, or the folder of one."""
    return isinstance(source, Dataset) or (isinstance(source, str | os.PathLike) and bool(_shards(Path(source))))


def given_splits(source: Any) -> dict[str, Any] | None:
    """Return `{split name: source}` when the source is divided already, None when it is one source.

    A dataset or its folder has its own splits. A mapping of lists is columns, unless every item of every list is a
    path that exists.
    """
    if isinstance(source, Dataset):
        return dict(source.shards())
    if isinstance(source, str | os.PathLike):
        return dict(_shards(Path(source))) or None
    if not isinstance(source, Mapping) or not source:
        return None
    if all(_is_source(value) for value in source.values()):
        return {str(name): value for name, value in source.items()}
    return None


def reader_of(path: Path) -> str:
    """Return the name of the reader for a file's suffix; first one that knows the file by how it begins.

    Raises `UsageError` for an unknown suffix.
    """
    suffix = path.suffix.lower()
    plugs = {name: registry.get("reader", name) for name in registry.names("reader")}
    readers = {name: plug.suffixes for name, plug in plugs.items()}
    fitting = [name for name, suffixes in readers.items() if suffix in suffixes]
    if known := next((name for name in fitting if hasattr(plugs[name], "knows") and plugs[name].knows(path)), None):
        return known
    if plain := next((name for name in fitting if not hasattr(plugs[name], "knows")), None):
        return plain
    raise UsageError(
        f"no reader for {path.name!r}",
        where=str(path),
        allowed=", ".join(suffix for suffixes in readers.values() for suffix in suffixes),
        remedy="rename the file to what it holds, or convert it to CSV, JSON Lines or Parquet",
    )


def _from_paths(items: Sequence[str | os.PathLike[str]]) -> list[Source]:
    found: list[Source] = []
    for item in items:
        text = os.fspath(item)
        if text.startswith(CATALOG):
            name = text.removeprefix(CATALOG)
            found.append(Source(name, catalog=name))
        else:
            found.extend(Source("", path=path, has_ids=_is_shard(path)) for path in _files(text))
    paths = [source.path.absolute() for source in found if source.path]
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise UsageError(f"{twice} is named twice", remedy="name every file once")
    base = Path(os.path.commonpath([path.parent for path in paths])) if paths else Path()
    return [
        replace(source, name=source.path.absolute().relative_to(base).as_posix()) if source.path else source
        for source in found
    ]


def _files(text: str) -> list[Path]:
    """Return the files that a path, a folder or a glob stands for, sorted."""
    path = Path(text).expanduser()
    if _is_file(str(path)):
        return [path]
    if shards := _shards(path):
        return [shard for split in shards.values() for shard in split]
    if os.path.isdir(path):  # noqa: PTH112  as in _is_file
        known = _suffixes()
        inside = [p for p in sorted(path.rglob("*")) if p.is_file() and p.suffix.lower() in known]
        visible = [p for p in inside if not any(part.startswith(".") for part in p.relative_to(path).parts)]
        if not visible:
            raise DataError("the folder holds no file that can be read", where=text, allowed=", ".join(sorted(known)))
        return visible
    matches = [Path(match) for match in sorted(glob.glob(text, recursive=True)) if Path(match).is_file()]  # noqa: PTH207  absolute patterns too
    if matches:
        return matches
    beside = path.parent.iterdir() if os.path.isdir(path.parent) else ()  # noqa: PTH112
    siblings = [p.name for p in beside if p.is_file() and not p.name.startswith(".")]
    raise DataError(
        f"there is no file {text!r}",
        where="" if path.is_absolute() else f"looked in {path.absolute().parent}",
        allowed=did_you_mean(path.name, siblings) if len(siblings) <= 50 else "",
        remedy="check the path",
    )


def _suffixes() -> set[str]:
    return {suffix for name in registry.names("reader") for suffix in registry.get("reader", name).suffixes}


def _is_source(value: Any) -> bool:
    """Whether a mapping's value is a source of its own, and not a column of values."""
    if isinstance(value, str | os.PathLike | Mapping) or _as_frame(value) is not None:
        return True
    items = list(value) if isinstance(value, list | tuple) else []
    return bool(items) and all(
        isinstance(item, os.PathLike) or (isinstance(item, str) and (item.startswith(CATALOG) or _is_file(item)))
        for item in items
    )


def _is_file(text: str) -> bool:
    return os.path.isfile(text)  # noqa: PTH113  `Path.is_file` raises for a text too long to be a name


def _table(source: Any) -> pl.DataFrame:
    """Return a table in memory as a Polars frame. Raises `UsageError` for what is none."""
    frame = _as_frame(source)
    try:
        if frame is None and isinstance(source, Mapping):
            frame = pl.DataFrame({str(name): _cells(list(values)) for name, values in source.items()}, strict=False)
        elif frame is None and isinstance(source, Sequence) and all(isinstance(row, Mapping) for row in source):
            nested = {name for row in source for name, value in row.items() if _holds_mappings(value)}
            rows = [
                {
                    name: json.dumps(value) if name in nested and isinstance(value, list) else value
                    for name, value in row.items()
                }
                for row in source
            ]
            frame = pl.from_dicts(rows, infer_schema_length=None)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(f"the data cannot be made a table: {error}", remedy="give lists of equal length") from error
    if frame is None:
        raise UsageError(
            f"cannot read data from a {type(source).__name__}",
            allowed="a path, a list of paths, catalog:NAME, lists by column, a Polars or pandas frame, an Arrow table, "
            "a Hugging Face dataset",
        )
    return frame


def _holds_mappings(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(part, Mapping) for part in value)


def _cells(values: list[Any]) -> list[Any]:
    """Return a column's values; beside lists of mappings other forms may stand: lists become JSON then."""
    if not any(map(_holds_mappings, values)):
        return values
    return [json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value for value in values]


def _as_frame(source: Any) -> pl.DataFrame | None:
    """Convert what other libraries call a table, without importing them."""
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    package = type(source).__module__.split(".")[0]
    if package == "datasets" and hasattr(source, "with_format"):
        names = {column: feature.names for column, feature in source.features.items() if hasattr(feature, "names")}
        frame = pl.DataFrame(source.with_format("arrow")[:])
        return frame.with_columns(
            pl.col(column).replace_strict(dict(enumerate(known)), default=None, return_dtype=pl.String)
            for column, known in names.items()
        )
    if package == "pyarrow" and hasattr(source, "column_names"):
        return pl.DataFrame(source)
    if package == "pandas" and hasattr(source, "columns"):
        table: pl.DataFrame = pl.from_pandas(source.reset_index(drop=True), nan_to_null=True)
        return table
    return None


def _shards(folder: Path) -> dict[str, list[Path]]:
    """Return the shards of each split of a dataset folder; empty for any other folder."""
    return Dataset.open(folder).shards() if _is_file(str(folder / DATASET)) else {}


def _is_shard(path: Path) -> bool:
    return path.suffix == ".parquet" and (path.parent.parent / DATASET).is_file()


def _with_row_ids(frame: pl.DataFrame, name: str, done: int) -> pl.DataFrame:
    """Put `row_id` first; a column of that name that the source has itself becomes `source_row_id`."""
    numbers = pl.Series(np.arange(done + 1, done + frame.height + 1))
    ids = frame.select(pl.concat_str(pl.lit(f"{name}:"), numbers.cast(pl.String))).to_series().alias(ROW_ID)
    if ROW_ID in frame.columns:
        frame = frame.rename({ROW_ID: f"source_{ROW_ID}"})
    return frame.insert_column(0, ids)
