"""Times: what people write is read, and what is not a time is named."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.forms.times import parsed_time
from oreline.errors import DataError


def parse(values: list[object], dtype: pl.DataType | None = None) -> list[datetime | None]:
    column = pl.Series(values, dtype=dtype)
    ids = pl.Series([f"a.csv:{row}" for row in range(1, len(values) + 1)])
    return parsed_time(column, ids, "a.csv").to_list()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-31", datetime(2026, 1, 31)),
        ("2026/1/5", datetime(2026, 1, 5)),
        ("2026年1月5日", datetime(2026, 1, 5)),
        ("2026-01", datetime(2026, 1, 1)),
        ("20260131", datetime(2026, 1, 31)),
        ("2026-01-31 08:05", datetime(2026, 1, 31, 8, 5)),
        ("2026/1/31 08:05:09", datetime(2026, 1, 31, 8, 5, 9)),
        ("2026-01-31T08:05:09.250", datetime(2026, 1, 31, 8, 5, 9, 250_000)),
        ("2026-01-31T08:05:09Z", datetime(2026, 1, 31, 8, 5, 9)),
        ("2026-01-31T08:05:09+08:00", datetime(2026, 1, 31, 0, 5, 9)),
        ("1769817600", datetime(2026, 1, 31)),
        ("1769817600000", datetime(2026, 1, 31)),
        ("  ", None),
        (1769817600, datetime(2026, 1, 31)),
        (1769817600.5, datetime(2026, 1, 31, 0, 0, 0, 500_000)),
        (1769817600_000_000_000, datetime(2026, 1, 31)),
        (date(2026, 1, 31), datetime(2026, 1, 31)),
        (datetime(2026, 1, 31, 8, tzinfo=timezone(timedelta(hours=8))), datetime(2026, 1, 31)),
        (float("nan"), None),
        (None, None),
    ],
)
def test_forms_that_are_read(value: object, expected: datetime | None) -> None:
    assert parse([value]) == [expected]


@given(st.lists(st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)), min_size=1, max_size=20))
def test_iso_text_and_epoch_agree(times: list[datetime]) -> None:
    whole = [moment.replace(microsecond=0) for moment in times]
    assert parse([moment.isoformat() for moment in whole]) == whole
    assert parse([int(moment.replace(tzinfo=UTC).timestamp()) for moment in whole]) == whole


@pytest.mark.parametrize("value", ["yesterday", "2026-13-01", "31.01.2026", "12"])
def test_what_is_no_time_is_named(value: str) -> None:
    with pytest.raises(DataError, match=f"the time '{value}' cannot be read") as caught:
        parse(["2026-01-31", value])
    assert caught.value.where == "a.csv, row 2"
    assert "seconds since 1970" in caught.value.allowed
