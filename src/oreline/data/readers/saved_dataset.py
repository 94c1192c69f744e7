"""Folders that the library `datasets` has saved."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from oreline.data.input.arrow_files import frames_of
from oreline.data.input.paths import is_file
from oreline.errors import DataError

_INFO, _STATE, _SPLITS = "dataset_info.json", "state.json", "dataset_dict.json"


class Reader:
    """A folder that `save_to_disk` of the library `datasets` wrote; a folder of several splits gives those splits.

    The library itself is not needed. Class numbers become the names of their classes again.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def knows_folder(cls, folder: Path) -> bool:
        """Whether it is such a folder, of one split."""
        return is_file(str(folder / _INFO)) and is_file(str(folder / _STATE))

    @classmethod
    def splits(cls, folder: Path) -> dict[str, Path]:
        """Return the folder of each split, of a folder that has some. Raises `DataError` for one that is not there."""
        if not is_file(str(folder / _SPLITS)):
            return {}
        names = _read(folder / _SPLITS).get("splits")
        if not isinstance(names, list) or not names:
            raise _damaged("it names no splits", folder / _SPLITS)
        for name in names:
            if not isinstance(name, str) or not _is_plain(name) or not cls.knows_folder(folder / name):
                raise _damaged(f"there is no split {str(name)[:80]!r} in the folder", folder / _SPLITS)
        return {name: folder / name for name in names}

    @staticmethod
    def name_of(location: str) -> str:
        """Return what row ids call the folder."""
        return Path(location).resolve().name

    def frames(self, path: Path | str, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the rows in frames of at most `rows`. Raises `DataError` for a file that is missing or damaged."""
        folder = Path(path)
        features = _read(folder / _INFO).get("features") or {}
        state = _read(folder / _STATE)
        if state.get("_indices_files"):
            raise _damaged("it holds a selection of rows", folder / _STATE)
        files = state.get("_data_files")
        if not isinstance(files, list) or not isinstance(features, Mapping):
            raise _damaged("it names no data files", folder / _STATE)
        for entry in files:
            name = entry.get("filename") if isinstance(entry, Mapping) else None
            if not isinstance(name, str) or not _is_plain(name) or not is_file(str(folder / name)):
                raise _damaged(f"there is no file {str(name)[:80]!r} in the folder", folder / _STATE)
            for frame in frames_of(folder / name, rows):
                yield frame.with_columns(_restored(frame, features, folder))


def _restored(frame: pl.DataFrame, features: Mapping[str, Any], folder: Path) -> list[pl.Series]:
    """Return the columns of class numbers with the names in their place, lists of them included."""
    columns = []
    for name, feature in features.items():
        if name not in frame.columns or not isinstance(feature, Mapping):
            continue
        inner = feature.get("feature") if feature.get("_type") in ("Sequence", "List", "LargeList") else None
        known = _names(inner if isinstance(inner, Mapping) else feature)
        if known is None:
            continue
        series = frame[name]
        is_list = isinstance(inner, Mapping)
        if not (series.dtype.is_integer() or (is_list and isinstance(series.dtype, pl.List))):
            raise _damaged(f"the column {name!r} holds no class numbers", folder / _INFO)
        numbers = series.explode() if is_list else series
        if numbers.len() - numbers.null_count() and not numbers.drop_nulls().is_between(-1, len(known) - 1).all():
            raise _damaged(f"the column {name!r} holds a class number without a name", folder / _INFO)
        table = {-1: None, **dict(enumerate(known))}
        named = pl.element() if is_list else pl.col(name)
        named = named.cast(pl.Int64).replace_strict(table, default=None, return_dtype=pl.String)
        columns.append(frame.select(pl.col(name).list.eval(named) if is_list else named).to_series())
    return columns


def _names(feature: Mapping[str, Any]) -> list[str] | None:
    names = feature.get("names")
    if feature.get("_type") != "ClassLabel" or not isinstance(names, list):
        return None
    return [str(name) for name in names]


def _read(file: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise _damaged(f"it is not JSON: {error}", file) from error
    if not isinstance(content, Mapping):
        raise _damaged("it is no JSON object", file)
    return content


def _is_plain(name: str) -> bool:
    return name not in ("", ".", "..") and Path(name).name == name and "\0" not in name


def _damaged(what: str, where: Path) -> DataError:
    return DataError(
        f"the saved dataset cannot be read: {what}",
        where=str(where),
        remedy="save it again with save_to_disk, or export it: to_parquet(…)",
    )
