"""Quotas of sources."""

from __future__ import annotations

import polars as pl

from oreline.data.input.quotas import Quotas

ROWS = pl.DataFrame(
    {"row_id": [f"{s}:{n}" for s in "abc" for n in range(1, 101)], "source": [s for s in "abc" for _ in range(100)]}
)


def kept(quotas: dict[str, int | float], seed: int = 0, rows: pl.DataFrame = ROWS) -> set[str]:
    dropped = Quotas(quotas, seed).whole(rows.lazy())
    assert dropped.columns == ["row_id", "reason", "kept_id"]
    return set(rows["row_id"]) - set(dropped["row_id"])


def test_counts_and_shares() -> None:
    found = kept({"a": 30, "b": 0.25})
    assert [sum(row.startswith(s) for row in found) for s in "abc"] == [30, 25, 100]
    assert len(kept({"a": 1000})) == 300
    assert [sum(row.startswith(s) for row in kept({"a": 1, "b": 1.0})) for s in "ab"] == [1, 100], "one row; all"


def test_the_draw_depends_on_id_and_seed_only() -> None:
    assert kept({"a": 30}) == kept({"a": 30}, rows=ROWS.reverse())
    assert kept({"a": 30}) != kept({"a": 30}, seed=1)
    assert kept({"a": 10}) < kept({"a": 30})
