"""Length in characters."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.operators.keep_length import Operator
from oreline.errors import UsageError


def reasons(*texts: str, **options: int) -> list[str | None]:
    frame = pl.DataFrame({"row_id": [str(i) for i in range(len(texts))], "text": texts})
    return Operator(**options).keep(frame).to_list()


def test_characters_count_not_bytes_or_words() -> None:
    assert reasons("好", "好看", "a", "ab", "👍👍") == ["too_short", None, "too_short", None, None]


def test_there_is_no_upper_limit_unless_set() -> None:
    assert reasons("x" * 100_000) == [None]
    assert reasons("x" * 100_000, "x" * 99_999, max=99_999) == ["too_long", None]


@pytest.mark.parametrize("options", [{"min": -1}, {"min": 5, "max": 4}])
def test_impossible_limits(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="keep_length"):
        Operator(**options)
