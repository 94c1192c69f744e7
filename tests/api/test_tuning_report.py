"""What the report of a search shows, from trials whose ends are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("optuna")

from oreline.api import study, tuning_report
from oreline.api.search_space import Dimension
from oreline.report.report import Report

SPACE = [Dimension("f.rate", 1e-5, 1e-2, log=True), Dimension("f.method", values=("full", "lora"))]
DESCRIBED = {
    "recipe": "small",
    "step": "f",
    "metric": "accuracy",
    "seed": 0,
    "out": "/x",
    "before": {"f.rate": None, "f.method": "full"},
    "changes_dev": False,
}


def estimate(value: float) -> dict[str, Any]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 50}


@pytest.fixture
def found(tmp_path: Path) -> study.Search:
    """Four trials: complete, failed, stopped, complete and best; and one that is unfinished."""
    search = study.open_search(tmp_path, SPACE, {}, maximize=True, pruner="none", seed=1)
    search.note("given", {"estimate": estimate(0.6), "seconds": 2.0})
    for state, value in (("complete", 0.7), ("fail", None), ("pruned", None), ("complete", 0.8)):
        trial, _ = search.next()
        trial.set_user_attr("seconds", 2.5)
        if state == "pruned":
            trial.report(0.3, 1)
            trial.report(0.4, 2)
        if state == "fail":
            trial.set_user_attr("reason", "no memory")
        if value is not None:
            trial.set_user_attr("estimate", estimate(value))
        search.end(trial, state, value)
    search.next()
    return search


def report(found: study.Search, **changed: Any) -> Report:
    return tuning_report.report_of(found, {**DESCRIBED, **changed}, found.best())


def test_the_best_stands_beside_the_recipe_as_it_is(found: study.Search) -> None:
    shown = report(found)
    assert shown.metrics["accuracy"].value == 0.8
    best = next(table for table in shown.tables if table.title == "The best recipe")
    assert (best.rows[0][1].value, best.rows[0][2].value) == (0.6, 0.8)
    assert best.rows[2][:2] == ("f.method", "full")
    counted = {"complete": 2, "stopped early": 1, "failed": 1, "unfinished": 1, "trials": 5, "best_trial": 4}
    assert {name: shown.facts[name] for name in counted} == counted
    assert shown.facts["spent_s"] == 10.0


def test_trials_and_their_pictures(found: study.Search) -> None:
    shown = report(found)
    trials = next(table for table in shown.tables if table.title == "Trials")
    assert [row[1] for row in trials.rows] == ["complete", "failed", "stopped early", "complete", "unfinished"]
    assert trials.rows[1][-1] == "no memory"
    history, *slices = shown.charts
    assert history.data["y"] == {"complete": [0.7, 0.8], "best so far": [0.7, 0.8], "stopped early": [0.4]}
    assert [chart.title for chart in slices] == ["f.rate", "f.method"]
    assert slices[0].data["x_log"]
    assert slices[1].data["x_names"] == ["full", "lora"]
    page = shown._repr_html_()
    assert page.count("<svg") >= 3
    assert "no memory" in str(shown)


def test_the_winner_is_not_oversold(found: study.Search) -> None:
    assert "best of 2 figures of the same dev rows" in report(found).warnings[0]
    assert "different dev rows" in report(found, changes_dev=True).warnings[1]


def test_without_a_complete_trial(tmp_path: Path) -> None:
    search = study.open_search(tmp_path, SPACE, {}, maximize=True, pruner="none", seed=1)
    shown = report(search)
    assert shown.warnings == ["no trial is complete: there is no best recipe yet"]
    assert not shown.charts
    assert str(shown)
