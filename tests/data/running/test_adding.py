"""Rows that operators add to train: after the split, with ids of their own, in the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline.data.augment.held_out import HeldOut
from oreline.data.ledger import Ledger
from oreline.data.refine import refine
from oreline.data.running.adding import added, refuse_without_train
from oreline.data.running.clock import Clock
from oreline.data.running.stage import Stage
from oreline.data.running.steps import steps_of
from oreline.errors import OrelineError, UsageError


class Louder:
    """Adds each row in upper case, twice where asked."""

    def __init__(self, *, times: int = 1, **columns: Any) -> None:
        self.times, self.columns = times, columns

    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        louder = frame.select(
            from_id="row_id", text=pl.col("text").str.to_uppercase(), label="label", change_reason=pl.lit("upper")
        )
        return pl.concat([louder] * self.times).with_columns(**self.columns)


class Typical:
    """Adds the most frequent text, learnt from the rows, to each row."""

    def fit(self, scan: pl.LazyFrame) -> dict[str, str]:
        counts = scan.group_by("text").len().sort("len", "text", descending=[True, False]).collect()
        return {"text": counts["text"][0]}

    def learnt(self, found: dict[str, str]) -> None:
        self.text = found["text"]

    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select(from_id="row_id", text=pl.lit(self.text))


SOURCE = {"text": [f"text {n % 25}" for n in range(40)], "label": ["a", "b"] * 20, "more": list(range(40))}


def test_rows_are_added_to_train_alone_and_balance(tmp_path: Path) -> None:
    operators: Any = [("louder", Louder(times=2)), ("typical", Typical()), ("louder", Louder())]
    shares = {"train": 0.8, "test": 0.2}
    plain = refine(SOURCE, operators=[], split=shares, out=tmp_path / "plain")
    data = refine(SOURCE, operators=operators, split=shares, out=tmp_path / "data")
    num_train = plain.num_rows("train")
    assert data.manifest.counts == {
        "rows_in": 40,
        "rows_added": 4 * num_train,
        "rows_dropped": 0,
        "rows_out": 40 + 4 * num_train,
    }
    assert data.frame("test").equals(plain.frame("test"))
    train = data.frame("train")
    assert train.head(num_train).equals(plain.frame("train")), "the rows themselves stand first"
    assert train["row_id"].n_unique() == train.height
    first = train["row_id"][0]
    assert train.filter(pl.col("row_id").str.starts_with(f"{first}+"))["row_id"].to_list() == [
        f"{first}+louder.1",
        f"{first}+louder.2",
        f"{first}+typical.1",
        f"{first}+louder2.1",
    ]
    lines = data.ledger().filter(action="added")
    assert lines.height == 4 * num_train
    assert lines.filter(row_id=f"{first}+louder.2").rows() == [
        (f"{first}+louder.2", "louder", "added", "upper", first, None)
    ]
    assert train.filter(pl.col("row_id").str.contains("typical"))["text"].n_unique() == 1
    assert train.filter(pl.col("row_id").str.contains("typical"))["label"].null_count() == num_train
    [table] = [table for table in data.report().tables if table.title == "Rows by source"]
    assert table.rows == [["data", 40, 4 * num_train, 0, 40 + 4 * num_train]]
    [table] = [table for table in data.report().tables if table.title == "Time"]
    adders = ("louder", "typical", "louder2")
    assert [row[:2] for row in table.rows if row[0] in adders] == [[name, num_train] for name in adders]


@pytest.mark.parametrize("split", [{}, {"learn": 0.5, "test": 0.5}])
def test_without_train_there_is_nothing_to_add_to(split: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'louder' adds rows to train, and there is no such split") as caught:
        refine(SOURCE, operators=[("louder", Louder())], split=split, out=tmp_path / "data")  # type: ignore[list-item]
    assert caught.value.allowed == ("splits: learn, test" if split else "splits: all")
    refuse_without_train([], ["all"])
    refine({"train": SOURCE}, operators=[("louder", Louder())], split={}, out=tmp_path / "given")  # type: ignore[list-item]


class Rootless:
    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame


@pytest.mark.parametrize(
    ("cheat", "says"),
    [
        (Rootless(), "does not say what rows it added come from"),
        (Louder(from_id=pl.lit("b:1")), "from 'b:1', which it was not given"),
        (Louder(extra=pl.lit(1)), "with the column 'extra'"),
    ],
)
def test_an_operator_that_cheats_is_stopped(cheat: Any, says: str, tmp_path: Path) -> None:
    with Stage(tmp_path / "stage") as stage, Ledger(tmp_path / "ledger.parquet") as ledger:
        stage.append(pl.DataFrame({"row_id": ["a:1"], "text": ["x"], "label": ["y"]}))
        stage.close()
        with pytest.raises(OrelineError, match=says):
            list(added(stage, steps_of([("cheat", cheat)]), HeldOut(), ledger, Clock()))


def test_copies_of_held_out_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    source = {"train": {"text": ["abc def", "b"], "label": ["x", "y"]}, "dev": {"text": ["ABC DEF"], "label": ["x"]}}
    data = refine(source, operators=[("louder", Louder())], split={}, out=tmp_path / "data")  # type: ignore[list-item]
    assert data.frame("train")["text"].to_list() == ["abc def", "b", "B"]
    assert data.manifest.counts["rows_added"] == 1
    assert data.report().facts["found"]["louder"] == {"refused: copy of a held-out row": 1}
