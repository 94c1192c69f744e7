from __future__ import annotations

from pathlib import Path

import polars as pl

from oreline.data.dataset import UNLABELLED
from oreline.data.ledger import Ledger
from oreline.data.running.chain import Shop
from oreline.data.running.division import Run, Splitting, ordered, shares_of_parts, write_splits
from oreline.data.running.kept import Kept
from oreline.data.running.reading import Book
from oreline.data.running.stage import Stage

SHARES = {"train": 0.5, "dev": 0.25, "test": 0.25}


def written(folder: Path, frame: pl.DataFrame, part: str, splitting: Splitting) -> dict[str, list[str]]:
    """Return the rows of each split."""
    with Stage(folder / "stage") as stage:
        stage.append(frame)
    with Ledger(folder / "ledger.parquet") as ledger:
        run = Run(folder, Shop(ledger, Kept(folder / "kept")), Book({}), [])
        counts = write_splits({part: stage}, splitting, run)
    found = {name: pl.read_parquet(folder / name / "*.parquet")["row_id"].to_list() for name in counts}
    assert {name: len(rows) for name, rows in found.items()} == counts
    return found


def test_shares_of_given_parts() -> None:
    assert shares_of_parts(["all"], SHARES) == {"all": SHARES}
    carved = shares_of_parts(["train", "test"], SHARES)
    assert carved == {"train": {"train": 0.5 / 0.75, "dev": 0.25 / 0.75}, "test": {"test": 1.0}}
    assert shares_of_parts(["train", UNLABELLED], {})[UNLABELLED] == {UNLABELLED: 1.0}
    assert ordered(SHARES, carved) == ["train", "dev", "test"]


def test_every_row_is_in_one_split(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"row_id": [f"a:{n}" for n in range(40)], "text": [f"text {n}" for n in range(40)], "label": ["x", "y"] * 20}
    )
    found = written(tmp_path, frame, "all", Splitting(SHARES))
    assert [len(rows) for rows in found.values()] == [20, 10, 10]
    assert sorted(row for rows in found.values() for row in rows) == sorted(frame["row_id"])


def test_rows_without_a_label_go_to_a_split_of_their_own(tmp_path: Path) -> None:
    labels = ["x" if n % 4 else None for n in range(40)]
    frame = pl.DataFrame(
        {"row_id": [f"a:{n}" for n in range(40)], "text": [f"text {n}" for n in range(40)], "label": labels}
    )
    found = written(tmp_path, frame, "all", Splitting({"train": 1.0}))
    assert found[UNLABELLED] == [f"a:{n}" for n in range(0, 40, 4)]
    assert len(found["train"]) == 30


def test_a_given_label_brings_an_unlabelled_row_into_train(tmp_path: Path) -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["one", "two"], "label": ["x", None]})
    assert written(tmp_path, frame, UNLABELLED, Splitting({})) == {UNLABELLED: ["a:2"], "train": ["a:1"]}
