"""What rules would drop, shown before they do."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
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
        "dedup_exact",
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
    for language in ("en", "zh"):
        own = charts[f"keep_perplexity: perplexity ({language})"]["series"]
        assert list(own) == [language], "units of two languages do not compare"
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


FRENCH = "Un film très mauvais, que je n'ai pas aimé du tout, le numéro {n}"


class Judge:
    """A classifier that finds rows with an exclamation mark harmful, and embeds texts by their letters."""

    def predict(self, texts: list[str]) -> pl.DataFrame:
        shares = [0.9 if "!" in text else 0.1 for text in texts]
        return pl.DataFrame({"label": ["bad"] * len(texts), "scores": [{"bad": x, "good": 1 - x} for x in shares]})

    def embed(self, texts: list[str]) -> Any:
        return np.array(
            [[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz!"] for text in texts], np.float32
        )


def dirty() -> pl.DataFrame:
    """Return rows in which every operator that drops finds something."""
    rng = np.random.default_rng(0)
    words = ["lake", "dog", "walk", "city", "month", "people", "happy", "change", "year", "rain"]
    texts = [f"{ENGLISH.format(n=n)}{' '.join(rng.choice(words, 8))}" for n in range(40)]
    texts += [CHINESE.format(n=n) for n in range(20)] + [FRENCH.format(n=n) for n in range(10)]
    texts += [
        "Buy now at our shop!",
        "Buy now at our shop!",
        "buy now, at our shop!",
        "\u200b",
        "mail me: bob@example.com",
    ]
    texts += [f"{ENGLISH.format(n=1)}lake dog walk {word}" for word in ("city", "month", "year")]
    texts += ["the same text twice", "another one between them", "the same text twice", "the last one"]
    labels = ["a", "b"] * (len(texts) // 2)
    return pl.DataFrame({"text": texts, "label": labels})


DROPPING: list[Any] = [
    "dedup_exact", {"dedup_near": {"threshold": 0.7}}, {"dedup_semantic": {"model": "judge", "drop": True}},
    "drop_broken_dialogues", "drop_empty", {"drop_matching": {"patterns": {"ad": "(?i)buy now"}}},
    {"flag_label_errors": {"drop": 0.5, "folds": 2}}, "keep_c4", {"keep_classified": {"model": "judge", "labels": ["good"]}},
    "keep_fineweb", "keep_gopher_quality", "keep_gopher_repetition",
    {"keep_harmless": {"model": "judge", "harmful": ["bad"], "drop": True}},
    "keep_language", "keep_length", {"keep_matching": {"patterns": ["lake", "城市"]}}, "keep_perplexity",
    {"mask_pii": {"action": "drop"}}, "resolve_label_conflicts",
]  # fmt: skip


def name_of(operator: Any) -> str:
    return operator if isinstance(operator, str) else next(iter(operator))


def test_the_list_of_operators_that_drop_is_whole() -> None:
    """An operator that drops rows defines `keep` or `whole`, or gives rows a reason to go in `edit`."""
    dropping = []
    for name in registry.names("operator"):
        plug = registry.get("operator", name)
        source = inspect.getsource(inspect.getmodule(plug))
        if hasattr(plug, "keep") or hasattr(plug, "whole") or "DROP_REASON" in source:
            dropping.append(name)
    assert sorted(map(name_of, DROPPING)) == sorted(dropping)


@pytest.mark.parametrize("operator", DROPPING, ids=name_of)
def test_every_operator_that_drops_draws_a_picture(operator: Any) -> None:
    name = name_of(operator)
    report = calibrate(dirty(), operators=registry.create_all("operator", [operator]), open_model=lambda place: Judge())
    charts = [chart for chart in report.charts if chart.title.startswith(f"{name}: ")]
    assert charts
    drawn = [chart for chart in charts if any(any(values) for values in chart.data["series"].values())]
    assert drawn or charts[0].note == "No sampled row would go."
    assert name in {row[0] for row in table(report, "What each rule would drop")}
    gone = {row[1] for row in table(report, "What each rule would drop") if row[0] == name}
    if charts[-1].kind == "bars" and gone != {"nothing"}:
        shown = {row[1] for row in table(report, "Rows that would go, and rows that would stay")}
        assert gone <= shown
        assert "stays" in shown


def test_no_table_without_rows_where_every_rule_has_a_distribution() -> None:
    report = calibrate(dirty(), operators=registry.create_all("operator", ["keep_length"]))
    assert report.tables
    assert all(found.rows for found in report.tables)


def test_what_dropping_operators_find() -> None:
    report = calibrate(dirty(), operators=registry.create_all("operator", DROPPING), open_model=lambda place: Judge())
    gone = {(row[0], row[1]) for row in table(report, "What each rule would drop")}
    for found in (
        ("dedup_exact", "duplicate"),
        ("dedup_near", "near_duplicate"),
        ("drop_empty", "empty"),
        ("drop_matching", "matches: ad"),
        ("keep_harmless", "harmful: model"),
        ("keep_language", "language_fr"),
        ("keep_matching", "matches_none"),
        ("mask_pii", "email"),
        ("resolve_label_conflicts", "label_conflict"),
    ):
        assert found in gone, found
    charts = {chart.title: chart.data for chart in report.charts}
    assert charts["drop_matching: rows that would go (%)"]["series"]["matches: ad"][0] == pytest.approx(
        100 * 3 / 82, abs=0.001
    )
    assert charts["keep_language: probability"]["marks"] == [{"x": 0.25, "label": "from 0.25 (wanted)"}]
    assert charts["keep_language: rows that would go (%)"]["series"]["language_fr"][0] == pytest.approx(
        100 * 10 / 82, abs=0.001
    )
    near = charts["dedup_near: similarity"]
    assert near["marks"] == [{"x": 0.7, "label": "to 0.7 (all)"}]
    assert sum(near["series"]["all"]) >= 2
    (note,) = [said for said in report.warnings if said.startswith("found within the sample only")]
    assert "dedup_near" in note
    assert "keep_perplexity" not in note


def test_what_would_only_be_noted_is_said() -> None:
    report = run({"drop_matching": {"patterns": ["lake"], "drop": False}}, "keep_length", "dedup_semantic")
    assert "these rows would only be noted, as the options are: drop_matching, dedup_semantic" in report.warnings


def test_edits_that_drop_nothing_are_no_rules() -> None:
    report = run({"mask_pii": {"action": "mask"}}, {"flag_label_errors": {"folds": 2}}, "keep_length")
    assert {row[0] for row in table(report, "What each rule would drop")} == {"keep_length"}


def test_more_than_half_is_an_alarm():
    assert any("keep_length would drop 100%" in said for said in run({"keep_length": {"min": 5000}}).warnings)


def test_nothing_to_show_is_said(tmp_path: Path):
    with pytest.raises(UsageError, match="no rule to show"):
        run("normalize_text", "augment_words")
    with pytest.raises(UsageError, match=r"tail 0\.7"):
        run("keep_length", tail=0.7)
    with pytest.raises(UsageError, match="needs a model"):
        run({"keep_classified": {"model": "m", "labels": ["x"]}})
    with pytest.raises(DataError, match="no text to look at"):
        calibrate({"text": [None]}, operators=registry.create_all("operator", ["keep_length"]))
