"""What rules would drop, shown before they do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline import registry
from oreline.data.calibrate import calibrate
from oreline.errors import DataError, UsageError
from oreline.report.report import Report

ENGLISH = "We have walked to the lake with the dog, and that was day {n}. "
CHINESE = "我们的城市在这个月有了很大的变化，人们也都为此感到高兴，第{n}天。"


def rows() -> pl.DataFrame:
    texts = [ENGLISH.format(n=n) * (1 + n % 6) for n in range(30)] + [
        CHINESE.format(n=n) * (1 + n % 6) for n in range(30)
    ]
    return pl.DataFrame({"text": [*texts, None], "label": ["a", "b", "b"] * 20 + ["a"]})


def run(*operators: Any, **options: Any) -> Report:
    return calibrate(rows(), operators=registry.create_all("operator", operators), **options)


def table(report: Report, title: str) -> list[list[Any]]:
    return [list(row) for found in report.tables if found.title == title for row in found.rows]


def test_shares_by_reason_language_and_class():
    report = run(
        "normalize_text", {"keep_gopher_quality": {"min_words": 50}}, {"keep_length": {"min": 10}}, "dedup_exact"
    )
    assert report.facts["rows_sampled"] == 60
    shown = table(report, "What each rule would drop")
    assert shown[0][:2] == ["keep_gopher_quality", "gopher_quality: num_words low"]
    assert ["keep_length", "nothing", 0, 0.0] in shown
    assert [row[0] for row in table(report, "Share that would go, by language")] == [
        "keep_gopher_quality",
        "keep_length",
    ]
    (by_class,) = [found for found in report.tables if found.title == "Share that would go, by class"]
    assert list(by_class.columns[1:]) == ["b, n = 40", "a, n = 20"]
    assert "dedup_exact" in report.warnings[-1]
    assert report.facts["rows_that_would_go"] == shown[0][2]


def test_pictures_bounds_and_examples():
    report = run({"keep_gopher_quality": {"min_words": 50, "chinese": {"min_words": 30}}}, "keep_perplexity")
    charts = {chart.title: chart.data for chart in report.charts}
    words = charts["keep_gopher_quality: num_words"]
    assert sum(words["series"]["en"]) == sum(words["series"]["zh"]) == 30
    assert {"x": 30.0, "label": "from 30 (zh)"} in words["marks"]
    assert "keep_perplexity: perplexity" in charts
    sides = [row[:4] for row in table(report, "Just inside and just outside") if row[1] == "num_words"]
    assert ["keep_gopher_quality", "num_words", "en 50", "outside"] in sides
    lines = [row[1] for row in table(report, "Bounds from these data") if row[0] == "tail 0.01"]
    name, _, options = lines[0].partition(": ")
    assert name == "keep_gopher_quality"
    entry = json.loads(options)
    assert entry["chinese"]["min_words"] is not None
    registry.create("operator", name, **entry)


def test_lines_of_the_repetition_rules_build_operators():
    report = run("keep_gopher_repetition", "keep_c4", "keep_fineweb", "keep_length")
    for _, line in table(report, "Bounds from these data"):
        name, _, options = line.partition(": ")
        registry.create("operator", name, **json.loads(options))


def test_more_than_half_is_an_alarm():
    assert any("keep_length would drop 100%" in said for said in run({"keep_length": {"min": 5000}}).warnings)


def test_nothing_to_show_is_said(tmp_path: Path):
    with pytest.raises(UsageError, match="no rule to show"):
        run("normalize_text", "dedup_exact")
    with pytest.raises(UsageError, match=r"tail 0\.7"):
        run("keep_length", tail=0.7)
    with pytest.raises(UsageError, match="needs a model"):
        run({"keep_classified": {"model": "m", "labels": ["x"]}})
    with pytest.raises(DataError, match="no text to look at"):
        calibrate({"text": [None]}, operators=registry.create_all("operator", ["keep_length"]))
