"""Budgets and watching; whole searches are in test_tune.py."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("optuna")

from oreline.api import study, trials
from oreline.api.search_space import Dimension
from oreline.types import Event


@pytest.fixture
def found(tmp_path: Path) -> study.Search:
    return study.open_search(tmp_path, [Dimension("f.x", 0.0, 1.0)], {}, maximize=True, pruner="none", seed=1)


def watch(found: study.Search, budget: trials.Budget | None = None) -> trials.Watch:
    trial, _ = found.next()
    return trials.Watch(found, trial, "accuracy", budget or trials.Budget(None), lambda _: None, num_evaluations=4.0)


def test_a_budget_counts_what_was_spent_before() -> None:
    assert trials.Budget(None).left_s == float("inf")
    assert 30 < trials.Budget(1.0, spent_s=20.0).left_s <= 40
    over = trials.Budget(1.0, spent_s=61.0)
    assert not over.is_over, "nothing is complete yet"
    over.may_end = True
    assert over.is_over


def test_figures_are_reported_at_their_number_and_once(found: study.Search) -> None:
    watching = watch(found)
    for step, figure in ((5, 0.1), (10, 0.2), (10, 0.9), (20, 0.4)):  # step 10 again: continued from a checkpoint
        watching.judging(Event("train", step, 20, {"loss": 1.0, "dev_accuracy": figure}))
    watching.judging(Event("train", 20, 20, {"loss": 1.0}))
    assert found.trials[0].intermediate_values == {1: 0.1, 2: 0.2, 4: 0.4}


def test_a_trial_ends_with_the_budget_and_keeps_its_time(found: study.Search) -> None:
    watching = watch(found, trials.Budget(0.001, spent_s=60.0, may_end=True))
    watching.before_s = 7.0
    with pytest.raises(trials.BudgetError):
        watching.passing(Event("refine"))
    assert found.trials[0].user_attrs["seconds"] >= 7.0
    assert trials.spent_s(found) >= 7.0
    assert watch(found).before_s >= 7.0, "the same trial goes on"
