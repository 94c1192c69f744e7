from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline.data.dataset import UNLABELLED
from oreline.data.ledger import Ledger
from oreline.data.running import division
from oreline.data.running.chain import Shop
from oreline.data.running.division import Run, Splitting, ordered, shares_of_parts, write_splits
from oreline.data.running.kept import Kept
from oreline.data.running.reading import Book
from oreline.data.running.stage import Stage
from oreline.data.split.places import Placing
from oreline.errors import UsageError

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


def test_rows_of_nothing_but_a_text_are_divided(tmp_path: Path) -> None:
    frame = pl.DataFrame({"row_id": [f"a:{n}" for n in range(40)], "text": [f"text {n}" for n in range(40)]})
    assert [len(rows) for rows in written(tmp_path, frame, "all", Splitting(SHARES)).values()] == [20, 10, 10]


def test_places_follow_the_rows_that_have_a_label_through_frames(tmp_path: Path) -> None:
    """Rows without a label lie between the others, and what is equal lies in several frames."""
    frames = [
        pl.DataFrame(
            {
                "row_id": [f"a:{start + n}" for n in range(50)],
                "text": [f"text {n % 25}" for n in range(50)],
                "label": [None if (start + n) % 7 == 0 else "xy"[n % 2] for n in range(50)],
            }
        )
        for start in range(0, 200, 50)
    ]
    with Stage(tmp_path / "stage") as stage:
        for frame in frames:
            stage.append(frame)
    found = written(tmp_path / "out", pl.concat(frames), "all", Splitting(SHARES, seed=3))
    with Ledger(tmp_path / "ledger.parquet") as ledger:
        run = Run(tmp_path, Shop(ledger, Kept(tmp_path / "kept")), Book({}), [])
        write_splits({"all": stage}, Splitting(SHARES, seed=3), run)
    again = {name: pl.read_parquet(tmp_path / name / "*.parquet")["row_id"].to_list() for name in found}
    assert again == found
    texts = dict(pl.concat(frames).select("row_id", "text").iter_rows())
    held = [{texts[row] for row in found[name]} for name in SHARES]
    assert sum(map(len, held)) == len(set().union(*held)) == 25
    assert found[UNLABELLED] == [f"a:{n}" for n in range(0, 200, 7)]


def test_rows_of_one_template_stay_together(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "row_id": [f"a:{n}" for n in range(80)],
            "text": [f"{'abcdefghij'[n % 10]}{'klmnopqr'[n // 10]} has number {n}" for n in range(80)],
        }
    ).with_columns(pl.col("text").str.replace("^(.).", "${1}"))
    found = written(tmp_path, frame, "all", Splitting(SHARES, together=("template",)))
    letters = [{"abcdefghij"[int(row[2:]) % 10] for row in rows} for rows in found.values()]
    assert sum(map(len, letters)) == 10


def test_what_decides_is_let_go_of_before_rows_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deciding: list[weakref.ref[Placing]] = []
    are_alive = []

    class Watched(Placing):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            deciding.append(weakref.ref(self))

    class Writer(division.SplitWriter):
        def append(self, frame: pl.DataFrame) -> None:
            are_alive.append(deciding[0]() is not None)
            super().append(frame)

    monkeypatch.setattr(division, "Placing", Watched)
    monkeypatch.setattr(division, "SplitWriter", Writer)
    frame = pl.DataFrame({"row_id": [f"a:{n}" for n in range(40)], "text": [f"text {n}" for n in range(40)]})
    written(tmp_path, frame, "all", Splitting(SHARES))
    assert are_alive == [False] * 3


def test_a_gap_needs_a_time(tmp_path: Path) -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["one", "two"]})
    with pytest.raises(UsageError, match="the rows have no time"):
        written(tmp_path, frame, "all", Splitting(SHARES, gap_us=5))
