"""Quotas of sources."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from oreline.data.external import sorting
from oreline.data.fold import row_hashes
from oreline.data.input import quotas as module
from oreline.data.input.quotas import Quotas

ROWS = pl.DataFrame(
    {"row_id": [f"{s}:{n}" for s in "abc" for n in range(1, 101)], "source": [s for s in "abc" for _ in range(100)]}
)


def kept(quotas: dict[str, int | float], seed: int = 0, rows: pl.DataFrame = ROWS) -> set[str]:
    dropped = pl.concat(Quotas(quotas, seed).whole(rows.lazy()))
    assert dropped["row_id"].to_list() == rows["row_id"].gather(dropped["position"]).to_list()
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


@pytest.mark.parametrize("memory_bytes", [0, 1 << 20])
@pytest.mark.parametrize("num_hashes", [3, 50, None])
def test_rows_are_those_of_sorting_all_in_memory(
    monkeypatch: pytest.MonkeyPatch, memory_bytes: int, num_hashes: int | None
) -> None:
    """Of rows with equal hashes the first stay; in row order, whatever is on disk."""

    def hashes(frame: pl.DataFrame, columns: list[str]) -> np.ndarray:
        found = row_hashes(frame, columns)
        return found if num_hashes is None else found % np.uint64(num_hashes)

    def over(rows: pl.DataFrame, quota: int | float, seed: int) -> list[str]:
        kept = quota if isinstance(quota, int) else round(rows.height * quota)
        drawn = hashes(rows.select(drawn=pl.lit(f"{seed} ") + pl.col("row_id")), ["drawn"])
        return rows["row_id"].gather(np.lexsort((np.arange(rows.height), drawn))[kept:]).to_list()

    monkeypatch.setattr(module, "row_hashes", hashes)
    monkeypatch.setattr(module, "_CHUNK", 700)
    monkeypatch.setattr(sorting, "_LEAST_RUN", 100)
    names = np.random.default_rng(0).choice(list("abcd"), 5000)
    rows = pl.DataFrame({"source": names, "row_id": [f"{name}:{n}" for n, name in enumerate(names)]})
    wanted: dict[str, int | float] = {"a": 400, "b": 0.31, "c": 10_000, "d": 1}
    quotas = Quotas(wanted, 7)
    quotas.memory_bytes = memory_bytes
    dropped = pl.concat(quotas.whole(rows.lazy()))
    expected = {row for name, quota in wanted.items() for row in over(rows.filter(source=name), quota, 7)}
    assert dropped["row_id"].to_list() == [row for row in rows["row_id"].to_list() if row in expected]
    assert dropped["row_id"].to_list() == rows["row_id"].gather(dropped["position"]).to_list()
    assert set(dropped["reason"]) == {"over_quota"}
