"""What is tuned is checked before any trial."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oreline.api import tuned
from oreline.errors import UsageError


@pytest.fixture
def content(reviews_csv: Path, tmp_path: Path) -> dict[str, Any]:
    return {
        "name": "small",
        "out": str(tmp_path / "out"),
        "steps": [
            {"refine": {"as": "reviews", "data": str(reviews_csv)}},
            {"finetune": {"as": "baseline", "data": "reviews", "method": "linear"}},
            {"finetune": {"data": "reviews", "method": "linear", "train": {"epochs": 2}}},
            {"evaluate": {"model": "finetune", "data": "reviews", "baseline": "baseline"}},
        ],
        "tune": {"method_options.longest": {"low": 1, "high": 3}},
    }


def test_the_last_fine_tuning_step_is_judged_by_its_tasks_first_figure(content: dict[str, Any], tmp_path: Path) -> None:
    what = tuned.plan(content)
    assert (what.target, what.metric, what.maximize) == ("finetune", "accuracy", True)
    assert what.folder == tmp_path / "out-tune"
    assert tuned.ancestors(what.read, "finetune") == {"reviews", "finetune"}
    assert tuned.plan(content, step="baseline").target == "baseline"
    content["steps"][2]["finetune"]["task"] = "regression"
    what = tuned.plan(content)
    assert (what.metric, what.maximize) == ("r2", True)


def test_steps_of_equal_values_lie_in_one_place_and_share_the_data(content: dict[str, Any]) -> None:
    what = tuned.plan(content)
    one, same, other = (what.steps({"finetune.method_options.longest": value}) for value in (2, 2, 3))
    assert [item.step.name for item in one] == ["reviews", "finetune"]
    assert [item.out for item in one] == [item.out for item in same]
    assert one[0].out == other[0].out
    assert one[1].out != other[1].out
    assert what.steps({})[1].out not in (one[1].out, other[1].out)


@pytest.mark.parametrize(
    ("search", "step", "message"),
    [
        (["evaluate.split=dev,test"], None, "changes nothing that 'finetune' is made of"),
        (["baseline.method=head,linear"], None, "changes nothing"),
        (["task=pair,regression"], None, "different tasks"),
        (["method=linear,lineer"], None, "no method named 'lineer'"),
        ([], "final", "no fine-tuning step 'final'"),
    ],
)
def test_what_cannot_be_tuned(content: dict[str, Any], search: list[str], step: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        tuned.plan(content, search=search, step=step)


def test_a_recipe_without_training_and_a_wrong_pruner(content: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="no pruner 'mean'") as caught:
        tuned.plan(content, pruner="mean")
    assert "median" in caught.value.allowed
    content["steps"] = content["steps"][:1]
    with pytest.raises(UsageError, match="no step that fine-tunes"):
        tuned.plan(content)


def test_what_the_report_is_told(content: dict[str, Any]) -> None:
    search = {"train.epochs": [1, 2], "train.patience": [1, 2], "reviews.group": ["movie", "day"]}
    told = tuned.described(tuned.plan(content, search=search))
    assert told["before"] == {
        "finetune.method_options.longest": None,
        "finetune.train.epochs": 2.0,
        "finetune.train.patience": 3,
        "reviews.group": None,
    }
    assert told["changes_dev"]
    assert not tuned.described(tuned.plan(content))["changes_dev"]


def test_the_identity_names_data_and_space(content: dict[str, Any]) -> None:
    first = tuned.identity(tuned.plan(content))
    assert first == tuned.identity(tuned.plan(content))
    for search in ({"train.epochs": [1, 2]}, {"method_options.longest": {"low": 1, "high": 4}}):
        assert tuned.identity(tuned.plan(content, search=search))["search space"] != first["search space"]
    content["steps"][2]["finetune"]["train"] = {"epochs": 3}
    assert tuned.identity(tuned.plan(content))["recipe"] != first["recipe"]
