"""Read times: dates and times as ISO 8601 writes them, and numbers of seconds since 1970."""

from __future__ import annotations

import polars as pl

from oreline.errors import DataError

_FORMATS = (
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d",
    "%Y-%m",
    "%Y%m%d",
)
_ZONED = "%Y-%m-%dT%H:%M:%S%.f%z"
_EPOCH_UNITS = ((1e17, 1e-3), (1e14, 1.0), (1e11, 1e3), (0.0, 1e6))
"""Microseconds in one unit, by how large the number is: nano-, micro-, milliseconds, seconds."""


def parsed_time(column: pl.Series, row_ids: pl.Series, place: str) -> pl.Series:
    """Return a column of times as datetimes in microseconds (UTC where a zone is given).

    Args:
        column: dates, datetimes, ISO 8601 text (`2026-01-31`, `2026/1/31 8:05`, `2026-01-31T08:05:00+08:00`),
            `2026年1月31日`, or numbers of seconds, milli-, micro- or nanoseconds since 1970.
        row_ids: named in the error.
        place: the file, named in the error.

    Raises:
        DataError: a value that is neither null nor a time.

    >>> parsed_time(pl.Series(["1769817600", "2026/1/31"]), pl.Series(["a:1", "a:2"]), "a.csv").n_unique()
    1
    """
    dtype = column.dtype
    if dtype.is_temporal() and dtype != pl.Duration and dtype != pl.Time:
        return _without_zone(column)
    if dtype.is_numeric():
        return _from_epoch(column.cast(pl.Float64))
    if dtype == pl.Null:
        return column.cast(pl.Datetime("us"))
    text = _blank_as_null(column.cast(pl.String, strict=False))
    times = _from_text(text)
    unread = text.is_not_null() & times.is_null()
    if unread.any():
        first = unread.arg_true()[0]
        raise DataError(
            f"the time {text[first]!r} cannot be read",
            where=f"{place}, row {row_ids[first].rpartition(':')[2]}",
            allowed="2026-01-31, 2026-01-31 08:05:00, 2026-01-31T08:05:00+08:00, or seconds since 1970",
            remedy="correct it, or leave it empty: rows without a time are dropped into the ledger",
        )
    return times


def _blank_as_null(text: pl.Series) -> pl.Series:
    stripped = text.str.strip_chars()
    return stripped.set(stripped == "", None)


def _from_text(text: pl.Series) -> pl.Series:
    iso = (
        text.str.replace_all("年|月|/", "-")
        .str.replace("日", "", literal=True)
        .str.replace(r"-$", "")
        .str.replace(r"^(\d{4}-\d{1,2}-\d{1,2})\s+", "${1}T")
        .str.replace("Z$", "+0000")
        .str.replace(r"([+-]\d\d):(\d\d)$", "${1}${2}")
    )
    zoned = iso.str.to_datetime(_ZONED, strict=False, time_unit="us", time_zone="UTC").dt.replace_time_zone(None)
    readings = [zoned]
    for form in _FORMATS:
        has_clock = "%H" in form
        reading = iso.str.to_datetime(form, strict=False, time_unit="us") if has_clock else _from_date(iso, form)
        readings.append(reading)
    is_number = iso.str.contains(r"^\d{9,}(\.\d+)?$|^\d+\.\d+$")
    numbers = iso.set(~is_number.fill_null(False), None).cast(pl.Float64, strict=False)
    readings.append(_from_epoch(numbers))
    return pl.DataFrame([r.alias(str(i)) for i, r in enumerate(readings)]).select(pl.coalesce(pl.all())).to_series()


def _from_date(iso: pl.Series, form: str) -> pl.Series:
    if form == "%Y-%m":
        iso, form = iso + "-01", "%Y-%m-%d"
    return iso.str.to_date(form, strict=False).cast(pl.Datetime("us"))


def _from_epoch(numbers: pl.Series) -> pl.Series:
    finite = numbers.fill_nan(None)
    scale = pl.lit(None, dtype=pl.Float64)
    for bound, factor in reversed(_EPOCH_UNITS):
        scale = pl.when(pl.col("n").abs() >= bound).then(factor).otherwise(scale)
    microseconds = finite.to_frame("n").select((pl.col("n") * scale).round().cast(pl.Int64))
    return microseconds.to_series().cast(pl.Datetime("us"))


def _without_zone(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us"))
