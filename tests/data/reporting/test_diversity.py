"""Distinct n-grams."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from oreline.data.reporting.diversity import MAX_UNITS, distinct, diversity


def slow(texts: list[list[str]]) -> list[float]:
    found = []
    for n in (1, 2, 3):
        grams = [tuple(units[place : place + n]) for units in texts for place in range(len(units) - n + 1)]
        found.append(len(set(grams)) / len(grams) if grams else 0.0)
    return found


def test_it_equals_the_slow_version():
    texts = ["the cat and the Cat", "", "a", "the cat and me"]
    assert distinct(texts, words=True)[1] == pytest.approx(slow([text.lower().split() for text in texts]))
    texts = ["好好看 好看", "看", "好看吗"]
    assert distinct(texts, words=False)[1] == pytest.approx(slow([[*"".join(text.split())] for text in texts]))
    assert distinct([], words=True) == (0, [0.0, 0.0, 0.0])


def test_no_more_units_than_said():
    assert distinct(["a b"] * MAX_UNITS, words=True)[0] == MAX_UNITS


def test_table_by_split_and_language(tmp_path: Path):
    (tmp_path / "train").mkdir()
    rows = {"row_id": ["a:1", "a:2", "a:3"], "text": ["a film", "电影很好看", None]}
    pl.DataFrame(rows).write_parquet(tmp_path / "train" / "00000.parquet")
    table = diversity(tmp_path, ["train"])
    assert [row[:4] for row in table.rows] == [["train", "en", "words", 2], ["train", "zh", "characters", 5]]
    pl.DataFrame({"image": ["a"]}).write_parquet(tmp_path / "train" / "00000.parquet")
    assert diversity(tmp_path, ["train"]) is None
