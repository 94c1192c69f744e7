"""Operators in a chain: order, ledger, and no way to cheat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline.data.chain import kind_of, run_chain
from oreline.data.ledger import Ledger
from oreline.errors import OrelineError, UsageError
from oreline.types import Event, ignore


class Upper:
    """An `edit` that leaves it to the frame to say what changed."""

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col("text").str.to_uppercase(), length=pl.col("text").str.len_chars())


class Without:
    """A `keep` that drops a text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        return frame.select(pl.when(pl.col("text") == self.text).then(pl.lit("unwanted"))).to_series()


class Last:
    """A `whole` that keeps the last row only."""

    def whole(self, scan: pl.LazyFrame) -> pl.DataFrame:
        ids = scan.select("row_id").collect()["row_id"]
        return pl.DataFrame(
            {"row_id": ids[:-1], "reason": ["older"] * (len(ids) - 1), "kept_id": [ids[-1]] * (len(ids) - 1)}
        )


def frames() -> Iterator[pl.DataFrame]:
    yield pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["x", "Y"]})
    yield pl.DataFrame({"row_id": ["a:3", "a:4"], "text": ["y", "z"]})


def run(folder: Path, *operators: tuple[str, Any]) -> tuple[pl.DataFrame, list[tuple[str | None, ...]]]:
    with Ledger(folder / "ledger.parquet") as ledger:
        stage = run_chain(frames(), operators, ledger, folder / "stages", ignore)
    left = list(stage.frames())
    return pl.concat(left) if left else pl.DataFrame(), pl.read_parquet(folder / "ledger.parquet").rows()


def test_operators_work_in_order(tmp_path: Path) -> None:
    left, lines = run(tmp_path, ("without", Without("y")), ("upper", Upper()), ("again", Without("Y")))
    assert left["text"].to_list() == ["X", "Z"]
    assert left["length"].to_list() == [1, 1]
    assert sorted(lines, key=lambda line: str(line[0])) == [
        ("a:1", "upper", "changed", "text", None),
        ("a:2", "again", "dropped", "unwanted", None),
        ("a:3", "without", "dropped", "unwanted", None),
        ("a:4", "upper", "changed", "text", None),
    ]


def test_whole_operators_stand_between_streaming_ones(tmp_path: Path) -> None:
    left, lines = run(tmp_path, ("without", Without("z")), ("last", Last()), ("upper", Upper()), ("end", Last()))
    assert left["row_id"].to_list() == ["a:3"]
    assert left["text"].to_list() == ["Y"]
    assert ("a:1", "last", "dropped", "older", "a:3") in lines


def test_nothing_may_be_left(tmp_path: Path) -> None:
    operators = [(text, Without(text)) for text in "xYyz"]
    left, lines = run(tmp_path, *operators, ("last", Last()), ("upper", Upper()))
    assert left.is_empty()
    assert len(lines) == 4


def test_progress_is_told(tmp_path: Path) -> None:
    seen: list[Event] = []
    with Ledger(tmp_path / "ledger.parquet") as ledger:
        run_chain(frames(), [("last", Last())], ledger, tmp_path / "stages", seen.append)
    assert [(event.stage, event.step) for event in seen] == [("read", 2), ("read", 4), ("last", 0), ("last", 1)]
    assert seen[1].values["rows_per_s"] > 0


class Forgetful:
    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.head(1)


class Shuffling:
    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.reverse()


class Short:
    def keep(self, frame: pl.DataFrame) -> pl.Series:
        return pl.Series([None], dtype=pl.String)


class Inventing:
    def whole(self, scan: pl.LazyFrame) -> pl.DataFrame:
        return pl.DataFrame({"row_id": ["a:9"], "reason": ["x"], "kept_id": [None]})


@pytest.mark.parametrize("cheat", [Forgetful(), Shuffling(), Short(), Inventing()], ids=lambda c: type(c).__name__)
def test_an_operator_that_cheats_is_stopped(tmp_path: Path, cheat: Any) -> None:
    with pytest.raises(OrelineError, match="the operator 'cheat'"):
        run(tmp_path, ("cheat", cheat))


def test_an_operator_defines_exactly_one_method() -> None:
    class Both(Upper, Last):
        pass

    assert kind_of("upper", Upper()) == "edit"  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="edit and whole"):
        kind_of("both", Both())  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="defines none"):
        kind_of("none", object())  # type: ignore[arg-type]
