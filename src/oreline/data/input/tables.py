"""Tables in memory, of every library, as Polars frames."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from oreline.data.input.json_rows import is_nan, series
from oreline.errors import DataError, UsageError


def table_of(source: Any) -> pl.DataFrame:
    """Return a table in memory as a Polars frame. Raises `UsageError` for what is none."""
    frame = as_frame(source)
    try:
        if frame is None and isinstance(source, Mapping):
            frame = pl.DataFrame({str(name): _cells(list(values)) for name, values in source.items()}, strict=False)
        elif frame is None and isinstance(source, Sequence) and all(isinstance(row, Mapping) for row in source):
            nested = {name for row in source for name, value in row.items() if _holds_mappings(value)}
            texts = {name for row in source for name, value in row.items() if isinstance(value, str)}
            rows = [
                {
                    name: json.dumps(value) if name in nested and isinstance(value, list) else value
                    for name, value in row.items()
                    if not (name in texts and is_nan(value))
                }
                for row in source
            ]
            frame = pl.from_dicts(rows, infer_schema_length=None)
    except UnicodeEncodeError as error:
        raise DataError(
            "a text holds half of a surrogate pair, which is no character",
            where=_half(source),
            remedy="decode it anew from its bytes, or drop it: text.encode('utf-8', 'ignore').decode()",
        ) from error
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(f"the data cannot be made a table: {error}", remedy="give lists of equal length") from error
    if frame is None:
        raise UsageError(
            f"cannot read data from a {type(source).__name__}",
            allowed="a path, a list of paths, catalog:NAME, a URL that a reader takes, lists by column, a Polars or "
            "pandas frame, an Arrow table, a Hugging Face dataset, a mapping such as {path: FILE}, or a list of these",
        )
    return frame


def as_frame(source: Any) -> pl.DataFrame | None:
    """Convert what other libraries call a table, without importing them; None for anything else.

    Raises `DataError` naming the row for text of Arrow's that is not UTF-8.
    """
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    package = type(source).__module__.split(".")[0]
    if package == "datasets" and hasattr(source, "with_format"):
        names = {column: feature.names for column, feature in source.features.items() if hasattr(feature, "names")}
        frame = _from_arrow(source.with_format("arrow")[:])
        return frame.with_columns(
            pl.col(column).replace_strict(dict(enumerate(known)), default=None, return_dtype=pl.String)
            for column, known in names.items()
        )
    if package == "pyarrow" and hasattr(source, "column_names"):
        return _from_arrow(source)
    if package == "pandas" and hasattr(source, "columns"):
        for name, column in source.items():
            if hasattr(column.dtype, "pyarrow_dtype") or getattr(column.dtype, "storage", "") == "pyarrow":
                _refuse_broken(column.array.__arrow_array__(), str(name))
        return _from_pandas(source)
    return None


def _from_arrow(table: Any) -> pl.DataFrame:
    for name, column in zip(table.schema.names, table.columns, strict=True):
        _refuse_broken(column, name)
    return pl.DataFrame(table)


def _from_pandas(source: Any) -> pl.DataFrame:
    """Convert a frame of pandas; columns of objects of several types become text, or JSON of lists and mappings."""
    names = [str(name) for name in source.columns]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(
            f"two columns are called {twice!r}", where="the table in memory", remedy="rename one: frame.columns = […]"
        )
    plain = source.reset_index(drop=True)
    try:
        table: pl.DataFrame = pl.from_pandas(plain, nan_to_null=True)
        return table
    except (TypeError, ValueError, pl.exceptions.PolarsError):  # Arrow's errors are of the first two
        columns = [_from_objects(name, column) for name, (_, column) in zip(names, plain.items())]
        return pl.DataFrame(columns)


def _from_objects(name: str, column: Any) -> pl.Series:
    missing = column.isna()
    values = [None if is_none else value for value, is_none in zip(column.tolist(), missing)]
    allowed = (str, bool, int, float, list, dict, type(None))
    return series(name, [value if isinstance(value, allowed) else str(value) for value in values])


def _refuse_broken(column: Any, name: str) -> None:
    from oreline.data.input.arrow_text import refuse_broken_text  # pyarrow: whoever has such a column has imported it

    refuse_broken_text(column, name, "the table in memory")


def _holds_mappings(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(part, Mapping) for part in value)


def _half(source: Any) -> str:
    """Name the first row with half of a surrogate pair, and its column."""
    columns = source.items() if isinstance(source, Mapping) else ()
    rows = source if not isinstance(source, Mapping) else ()
    cells = itertools.chain(
        ((number, name, value) for name, values in columns for number, value in enumerate(values, 1)),
        ((number, name, value) for number, row in enumerate(rows, 1) for name, value in row.items()),
    )
    for number, name, value in cells:
        if any("\ud800" <= character <= "\udfff" for character in str(value)):
            return f"row {number}, column {name!r}"
    return ""


def _cells(values: list[Any]) -> list[Any]:
    """Return a column's values; beside lists of mappings other forms may stand: lists become JSON then.

    What is no number (NaN) is nothing among texts, as in a frame of pandas.
    """
    if any(isinstance(value, str) for value in values):
        values = [None if is_nan(value) else value for value in values]
    if not any(map(_holds_mappings, values)):
        return values
    return [json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value for value in values]
