"""Figures from vectors, against what they must be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.reporting.embedded import coverage, coverage_of_alike, embedded_tables, vendi_score


class Letters:
    """A vector of the first letter."""

    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        raise NotImplementedError

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray([[float(text.startswith(letter)) for letter in "abc好"] for text in texts], np.float32)


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_vendi_score_counts_meanings() -> None:
    source = np.random.default_rng(0)
    for num in (1, 3, 7):
        rows = np.repeat(np.eye(8)[:num], 5, axis=0)
        assert abs(vendi_score(rows) - num) < 1e-9
        assert abs(vendi_score(source.permutation(rows)) - num) < 1e-9
    rows = unit(source.normal(size=(40, 6)))
    values = np.linalg.eigvalsh(rows @ rows.T / 40).clip(1e-15)
    assert abs(vendi_score(rows) - np.exp(-(values * np.log(values)).sum())) < 1e-6


def test_coverage_of_equal_and_of_foreign_rows() -> None:
    source = np.random.default_rng(1)
    both = unit(source.normal(size=(1200, 5)))
    assert abs(coverage(both[:600], both[600:]) - coverage_of_alike(600, 600)) < 0.03
    foreign = unit(np.abs(source.normal(size=(300, 5))))
    assert coverage(-foreign, foreign) < 0.1


def test_tables_of_splits_and_sources(tmp_path: Path) -> None:
    for split, letters in (("train", "ab"), ("test", "好c")):
        (tmp_path / split).mkdir()
        texts = [f"{letters[number % 2]}{number}" for number in range(120)]
        ids = [f"{'x' if number % 2 else 'y'}.csv:{number}" for number in range(120)]
        pl.DataFrame({"row_id": ids, "text": texts}).write_parquet(tmp_path / split / "00000.parquet")
    meanings, covered = embedded_tables(tmp_path, ["train", "test"], Letters(), "catalog:x")
    counted = {row[0]: (row[1], round(row[2], 6)) for row in meanings.rows}
    assert counted == {
        "split train": (120, 2.0), "split test": (120, 2.0), "source y.csv": (120, 2.0), "source x.csv": (120, 2.0),
    }  # fmt: skip
    assert abs(meanings.rows[0][4] - 59 / 119) < 1e-9
    assert covered.rows[0][:3] == ["test", 120, 0.0]
    assert "catalog:x" in covered.note


def test_data_without_text_have_no_tables(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    pl.DataFrame({"row_id": ["a:1"], "x": [1]}).write_parquet(tmp_path / "train" / "00000.parquet")
    assert embedded_tables(tmp_path, ["train"], Letters(), "x") == []
