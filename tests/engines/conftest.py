"""Operators of another distribution, as workers find them: by an entry point."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oreline import registry

PLUGS = '''
import os

import polars as pl

from oreline.errors import DataError


class Breaks:
    """Fails, refuses or dies at a text that says so."""

    def __init__(self, *, how: str = "") -> None:
        self.how = how

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        for row_id, text in frame.select("row_id", "text").iter_rows():
            if text == self.how == "fail":
                raise ValueError("a mistake")
            if text == self.how == "refuse":
                raise DataError("no such text", where=row_id, remedy="write another")
            if text == self.how == "die":
                os.kill(os.getpid(), 9)
        print("what an operator prints is no answer")
        return pl.Series([None] * frame.height, dtype=pl.String)


class Repeats:
    """Drops texts of a length that was there before, by signatures; the rarest length is learnt."""

    def signatures(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select(length=pl.col("text").str.len_chars(), process=pl.lit(os.getpid()))

    def whole(self, scan: pl.LazyFrame, signatures: pl.LazyFrame) -> pl.DataFrame:
        lengths = signatures.collect()
        assert lengths["process"].n_unique() != 1 or lengths["process"][0] != os.getpid() or self.here
        rows = scan.select("row_id").collect().with_columns(lengths["length"])
        first = pl.col("row_id").first().over("length")
        repeated = rows.select("row_id", pl.lit("length").alias("reason"), first.alias("kept_id"))
        return repeated.filter(pl.col("row_id") != pl.col("kept_id"))

    def __init__(self, *, here: bool = False) -> None:
        self.here = here


class Rare:
    """Drops the rows of a label that fewer have than half of the most frequent one."""

    def fit(self, scan: pl.LazyFrame) -> dict[str, list[str]]:
        counts = scan.group_by("label").len().collect()
        rare = counts.filter(pl.col("len") < counts["len"].max() / 2)["label"].sort().to_list()
        return {"rare": rare}

    def learnt(self, found: dict[str, list[str]]) -> None:
        self.rare = found["rare"]

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        return frame.select(pl.when(pl.col("label").is_in(self.rare)).then(pl.lit("rare"))).to_series()
'''


@pytest.fixture(scope="module")
def plugs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The operators `breaks`, `repeats` and `rare`, installed for this process and the workers that it starts."""
    folder = tmp_path_factory.mktemp("plugs")
    (folder / "their_plugs.py").write_text(PLUGS, encoding="utf-8")
    info = folder / "their_plugs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-plugs\nVersion: 1.0\n", encoding="utf-8")
    names = "".join(f"{name.lower()} = their_plugs:{name}\n" for name in ("Breaks", "Repeats", "Rare"))
    (info / "entry_points.txt").write_text(f"[oreline.operator]\n{names}", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        registry._entry_points.cache_clear()
        yield folder
    registry._entry_points.cache_clear()
    sys.modules.pop("their_plugs", None)
