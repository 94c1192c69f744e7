"""Operators in a chain: order, ledger, and no way to cheat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from oreline.data.ledger import Ledger, Notes
from oreline.data.running.chain import Shop, run_chain
from oreline.data.running.engine import Item
from oreline.data.running.kept import Kept
from oreline.data.running.steps import steps_of
from oreline.errors import OrelineError
from oreline.types import Event, OnEvent, ignore


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


class Given:
    """Rows of a test."""

    def __init__(self, key: str = "") -> None:
        self.key = key
        self.num_read = 0

    def items(self, folder: Path) -> Iterator[Item]:
        self.num_read += 1
        for frame in frames():
            notes = Notes()
            notes.read(frame["row_id"])
            yield frame, notes

    def found(self) -> dict[str, Any]:
        return {"said": self.num_read}

    def recall(self, found: Any) -> None:
        assert found == {"said": 1}

    def placed(self, folder: Path) -> None:
        assert (folder / "facts.json").is_file()


def run(
    folder: Path,
    *operators: tuple[str, Any],
    rows: Given | None = None,
    on_event: OnEvent = ignore,
    max_bytes: int | None = 1 << 30,
) -> tuple[pl.DataFrame, list[tuple[str | None, ...]]]:
    folder.mkdir(exist_ok=True)
    with Ledger(folder / "ledger.parquet") as ledger:
        shop = Shop(ledger, Kept(folder / "stages", max_bytes=max_bytes), on_event=on_event)
        stage, _ = run_chain(rows or Given(), steps_of(operators), shop)
        assert ledger.rows_in == {"a": 4}
    left = list(stage.frames())
    return pl.concat(left) if left else pl.DataFrame(), pl.read_parquet(folder / "ledger.parquet").rows()


def test_operators_work_in_order(tmp_path: Path) -> None:
    left, lines = run(tmp_path, ("without", Without("y")), ("upper", Upper()), ("again", Without("Y")))
    assert left["text"].to_list() == ["X", "Z"]
    assert left["length"].to_list() == [1, 1]
    assert sorted(lines, key=lambda line: str(line[0])) == [
        ("a:1", "upper", "changed", "text", None, None),
        ("a:2", "again", "dropped", "unwanted", None, None),
        ("a:3", "without", "dropped", "unwanted", None, None),
        ("a:4", "upper", "changed", "text", None, None),
    ]


def test_whole_operators_stand_between_streaming_ones(tmp_path: Path) -> None:
    left, lines = run(tmp_path, ("without", Without("z")), ("last", Last()), ("upper", Upper()), ("end", Last()))
    assert left["row_id"].to_list() == ["a:3"]
    assert left["text"].to_list() == ["Y"]
    assert ("a:1", "last", "dropped", "older", "a:3", None) in lines


def test_nothing_may_be_left(tmp_path: Path) -> None:
    operators = [(text, Without(text)) for text in "xYyz"]
    left, lines = run(tmp_path, *operators, ("last", Last()), ("upper", Upper()))
    assert left.is_empty()
    assert len(lines) == 4


def test_progress_is_told(tmp_path: Path) -> None:
    seen: list[Event] = []
    run(tmp_path, ("last", Last()), on_event=seen.append)
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


class Marked(Without):
    """Only says what `Without` would drop."""

    reports_only = True


class Longest:
    """A `keep` that learns from all rows before it, and counts how often."""

    fitted: ClassVar[list[int]] = []

    def fit(self, scan: pl.LazyFrame) -> dict[str, Any]:
        self.fitted.append(scan.collect().height)
        return {"text": scan.select(pl.col("text").max()).collect().item()}

    def learnt(self, found: dict[str, Any]) -> None:
        self.text = found["text"]

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        return frame.select(pl.when(pl.col("text") == self.text).then(pl.lit("largest"))).to_series()


class Signed:
    """A `whole` that is handed what it said of each frame, told its memory, and tells what it found."""

    memory_bytes = 0
    reports_only = True

    def signatures(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select(first=pl.col("text").str.head(1).str.to_lowercase())

    def whole(self, scan: pl.LazyFrame, signatures: pl.LazyFrame) -> pl.DataFrame:
        assert self.memory_bytes == 1 << 30
        rows = pl.concat([scan.select("row_id").collect(), signatures.collect()], how="horizontal")
        again = rows.filter(~pl.col("first").is_first_distinct())
        return again.select("row_id", reason=pl.lit("again"), kept_id=pl.lit("a:2"), similarity=pl.lit(0.5))

    def findings(self) -> dict[str, Any]:
        return {"counts": {"letters": 3}, "alarms": ["few letters"]}


def test_what_is_only_reported_stays(tmp_path: Path) -> None:
    left, lines = run(tmp_path, ("marked", Marked("y")), ("signed", Signed()))
    assert left.height == 4
    assert lines == [
        ("a:3", "marked", "flagged", "unwanted", None, None),
        ("a:3", "signed", "flagged", "again", "a:2", 0.5),
    ]


def test_an_operator_learns_from_the_rows_before_it(tmp_path: Path) -> None:
    Longest.fitted.clear()
    left, _ = run(tmp_path, ("without", Without("z")), ("longest", Longest()), ("end", Longest()))
    assert left["text"].to_list() == ["Y"]
    assert Longest.fitted == [3, 2]
    left, _ = run(tmp_path / "first", ("longest", Longest()))
    assert left["text"].to_list() == ["x", "Y", "y"]
    nothing, _ = run(tmp_path / "nothing", *[(text, Without(text)) for text in "xYyz"], ("longest", Longest()))
    assert nothing.is_empty(), "no row teaches nothing"


def named(name: str, operator: Any) -> tuple[str, Any]:
    """Make an operator one that can be told by name."""
    operator.made_of = (name, dict(vars(operator)))
    return name, operator


def test_a_run_goes_on_where_an_earlier_one_ended(tmp_path: Path) -> None:
    """The rows are read once, no operator works twice, and lines, counts and findings are the same."""

    def operators(last: str) -> list[tuple[str, Any]]:
        costly = named("costly", Without("x"))
        costly[1].costly = True
        steps = [costly, named("longest", Longest()), named("last", Last()), named("signed", Signed())]
        return [*steps, named("without", Without(last))]

    Longest.fitted.clear()
    rows, said = Given("k" * 64), list[str]()
    watch = lambda event: said.append(event.message) if event.message else None  # noqa: E731
    first = run(tmp_path, *operators("a"), rows=rows, on_event=watch)
    assert said == ["longest learns from 3 rows"]
    said.clear()
    again = run(tmp_path, *operators("a"), rows=rows, on_event=watch)
    assert again[0].equals(first[0])
    assert again[1] == first[1]
    assert rows.num_read == 1
    assert Longest.fitted == [3]
    assert [message.partition(":")[0] for message in said] == ["costly", "longest", "last", "signed", "without"]
    said.clear()
    other, _ = run(tmp_path, *operators("y"), rows=rows, on_event=watch)
    assert (first[0].height, other.height) == (1, 0)
    assert said[-1] == "signed: as an earlier run left it", "the last operator alone is run"
    run(tmp_path, *operators("y"), rows=Given("l" * 64))
    assert Longest.fitted == [3, 3], "other rows"


def test_rows_that_nothing_reads_any_more_are_removed(tmp_path: Path) -> None:
    """Text before it was masked does not lie about; a run that was killed goes on all the same."""
    steps = [named("without", Without("z")), named("last", Last()), named("upper", Upper())]
    rows = Given("k" * 64)
    first = run(tmp_path, *steps, rows=rows, max_bytes=None)
    stages = tmp_path / "stages"
    assert len(list(stages.glob("*/rows/*.parquet"))) == 1, "of the last pass"
    again = run(tmp_path, *steps, rows=rows, max_bytes=None)
    assert again[0].equals(first[0])
    assert again[1] == first[1]
    assert rows.num_read == 1
    for facts in stages.glob("*/rows/*.parquet"):
        facts.unlink()  # what is left then is not enough
    assert run(tmp_path, *steps, rows=rows, max_bytes=None)[1] == first[1]
    assert rows.num_read == 2
