"""A sample of bounded size from rows that stream by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from oreline.data.reporting.sample import RowSample, mixed


def frame(first: int, rows: int, source: str = "a.csv") -> pl.DataFrame:
    ids = [f"{source}:{n}" for n in range(first, first + rows)]
    return pl.DataFrame({"row_id": ids, "text": [f"text number {n}" for n in range(first, first + rows)]})


def chosen(sample: RowSample) -> list[str]:
    return sample.rows()["text"].to_list()


def test_the_same_rows_however_they_are_framed() -> None:
    whole, cut = RowSample(50), RowSample(50)
    whole.add("train", frame(0, 3000))
    for first in range(0, 3000, 70):
        cut.add("train", frame(first, min(70, 3000 - first)))
    assert chosen(whole) == chosen(cut)
    assert len(chosen(whole)) == 50
    assert whole.num_seen == cut.num_seen == 3000


def test_every_part_of_the_data_is_as_likely() -> None:
    sample = RowSample(2000)
    for first in range(0, 40_000, 1000):
        sample.add("train", frame(first, 1000))
    tenths = np.array([int(text.split()[-1]) // 4000 for text in chosen(sample)])
    counts = np.bincount(tenths, minlength=10)
    assert counts.sum() == 2000
    # Chi-square with 9 degrees of freedom: above 27.9 once in a thousand.
    assert ((counts - 200) ** 2 / 200).sum() < 27.9
    first = np.array([int(text.split()[-1]) // 4000 for text in sample.rows(200)["text"]])
    assert len(set(first.tolist())) == 10, "its first rows are a sample too"


def test_few_rows_are_all_there_and_no_more_than_twice_the_size_is_held() -> None:
    sample = RowSample(100)
    sample.add("train", frame(0, 30))
    assert sorted(chosen(sample)) == sorted(f"text number {n}" for n in range(30))
    for first in range(30, 20_000, 500):
        sample.add("train", frame(first, 500))
        assert sample._num_held <= 200
    assert RowSample(5).rows().height == 0


def test_samples_join_in_proportion(tmp_path: Path) -> None:
    together = RowSample(1000)
    for name, rows in (("a.csv", 30_000), ("b.csv", 10_000), ("c.csv", 40)):
        own = RowSample(1000)
        own.add("in", frame(0, rows, name))
        own.write(tmp_path / name)
        together.read(tmp_path / name)
    counts = dict(together.rows()["source"].value_counts().iter_rows())
    assert together.num_seen == 40_040
    assert 680 < counts["a.csv"] < 820
    assert counts["a.csv"] + counts["b.csv"] + counts.get("c.csv", 0) == 1000
    RowSample(9).write(tmp_path / "none")
    together.read(tmp_path / "none")
    assert together.num_seen == 40_040


def test_what_is_kept_of_a_row() -> None:
    rows = pl.DataFrame(
        {
            "row_id": ["a:1", "a:1+swap.1", "b:2"],
            "text": ["x" * 1000, '["EU", "rejects"]', None],
            "label": ["good", "bad", None],
            "language": ["en", None, "zh"],
            "other": [1, 2, 3],
        }
    )
    sample = RowSample(10)
    sample.add("train", rows)
    found = {row["source"] + str(row["is_added"]): row for row in sample.rows().iter_rows(named=True)}
    assert found["aFalse"]["text"] == "x" * 400
    assert found["aFalse"]["length_text"] == 1000
    assert found["aTrue"]["text"] == "EU rejects"
    assert found["bFalse"]["text"] is None
    assert "other" not in found["bFalse"]


def test_numbers_are_spread_and_differ() -> None:
    numbers = mixed(np.arange(100_000, dtype=np.uint64))
    assert len(np.unique(numbers)) == 100_000
    assert abs(float((numbers / 2**64).mean()) - 0.5) < 0.005
