"""The ledger: what is written, what is counted, and that it balances or says so."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from oreline.data.ledger import Ledger, source_of
from oreline.errors import OrelineError


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.parquet")


def test_entries_are_written_as_strings(ledger: Ledger, tmp_path: Path) -> None:
    ledger.write("dedup", "dropped", pl.DataFrame({"row_id": ["a:2"], "reason": ["duplicate"], "kept_id": ["a:1"]}))
    ledger.write("clean", "changed", pl.DataFrame({"row_id": ["a:1"], "reason": ["white_space"]}))
    ledger.write("clean", "changed", pl.DataFrame({"row_id": [], "reason": []}))
    ledger.close()
    lines = pl.read_parquet(tmp_path / "ledger.parquet")
    assert lines.rows() == [
        ("a:2", "dedup", "dropped", "duplicate", "a:1", None),
        ("a:1", "clean", "changed", "white_space", None, None),
    ]
    assert set(lines.drop("similarity").dtypes) == {pl.String}


def test_a_ledger_without_entries_opens(ledger: Ledger, tmp_path: Path) -> None:
    ledger.close()
    assert pl.read_parquet(tmp_path / "ledger.parquet").shape == (0, 6)


def test_counts_by_reason_and_source(ledger: Ledger) -> None:
    ledger.read(pl.Series(["a:1", "a:2", "b:c:1"]))
    ledger.write("x", "dropped", pl.DataFrame({"row_id": ["a:1", "b:c:1"], "reason": ["r", "r"]}))
    ledger.write("x", "changed", pl.DataFrame({"row_id": ["a:2"], "reason": ["s"]}))
    ledger.close()
    assert ledger.reasons == {("x", "dropped", "r"): 2, ("x", "changed", "s"): 1}
    assert ledger.rows_in == {"a": 2, "b:c": 1}
    assert ledger.dropped_of == {"a": 1, "b:c": 1}
    assert (ledger.total("dropped"), ledger.total("changed"), ledger.total("added")) == (2, 1, 0)


def test_the_balance_holds_or_raises(ledger: Ledger) -> None:
    ledger.read(pl.Series(["a:1", "a:2", "a:3"]))
    ledger.write("x", "dropped", pl.DataFrame({"row_id": ["a:1"], "reason": ["r"]}))
    ledger.write("y", "added", pl.DataFrame({"row_id": ["a:4", "a:5"], "reason": ["r", "r"]}))
    ledger.close()
    assert ledger.balance(4) == {"rows_in": 3, "rows_added": 2, "rows_dropped": 1, "rows_out": 4}
    with pytest.raises(OrelineError, match="1 rows vanished unrecorded") as caught:
        ledger.balance(3)
    assert caught.value.exit_code == 1
    with pytest.raises(OrelineError, match="1 rows appeared unrecorded"):
        ledger.balance(5)


def test_the_source_of_a_row() -> None:
    frame = pl.DataFrame({"row_id": ["reviews.csv:7", "a:b/c.csv:12"]})
    assert frame.select(source_of()).to_series().to_list() == ["reviews.csv", "a:b/c.csv"]
