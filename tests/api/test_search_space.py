"""Keys, ranges and lists: what is understood, and what is refused before any trial."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from oreline import recipe as recipes
from oreline.api.run import STEPS
from oreline.api.search_space import Dimension, apply, parse_search, parse_space
from oreline.errors import UsageError

CONTENT: dict[str, Any] = {
    "steps": [
        {"refine": {"as": "reviews", "data": "reviews.csv"}},
        {"finetune": {"data": "reviews", "method": "full", "train": {"epochs": 2}}},
    ]
}


def space(search: Any) -> list[Dimension]:
    return parse_space(search, recipes.read(CONTENT, STEPS), "finetune", STEPS)


def test_keys_without_a_step_are_the_judged_steps_own() -> None:
    found = space(yaml.safe_load("{train.learning_rate: {low: 1e-5, high: 5e-4, log: true}, reviews.text: [a, b]}"))
    assert [d.key for d in found] == ["finetune.train.learning_rate", "reviews.text"]
    assert (found[0].low, found[0].high, found[0].log, found[0].is_whole) == (1e-5, 5e-4, True, False)


def test_the_numbers_of_yaml_are_numbers() -> None:
    [found] = space(yaml.safe_load("train.learning_rate: [1e-5, 1e-4]"))
    assert found.values == (1e-5, 1e-4), "YAML 1.1 reads 1e-5 as a text"


def test_the_command_lines_form_is_the_recipes_form() -> None:
    texts = ["train.epochs=1..4", "train.dropout=0..0.5:step=0.1", "train.regularizers=[[], [r_drop]]", "method=full"]
    assert parse_search(texts) == {
        "train.epochs": {"low": 1, "high": 4},
        "train.dropout": {"low": 0, "high": 0.5, "step": 0.1},
        "train.regularizers": [[], ["r_drop"]],
        "method": ["full"],
    }
    whole, steps, lists, _ = space(parse_search(texts))
    assert whole.is_whole
    assert str(whole) == "1..4"
    assert not steps.is_whole
    assert lists.names == {"[]": [], '["r_drop"]': ["r_drop"]}


@pytest.mark.parametrize("text", ["train.epochs", "=1..2", "method=", "method=[a"])
def test_a_text_that_is_no_search(text: str) -> None:
    with pytest.raises(UsageError, match="--search"):
        parse_search([text])


@pytest.mark.parametrize(
    ("search", "message", "allowed"),
    [
        ({}, "nothing to search", "range or a list"),
        ({"train.epochs": {"low": 3, "high": 1}}, "range from 3 to 1 is empty", "low below high"),
        ({"train.epochs": {"low": 3, "high": 3}}, "is empty", ""),
        ({"train.epochs": {"low": 3}}, "high is None", "a number"),
        ({"train.epochs": {"low": 1, "high": "many"}}, "high is 'many'", "a number"),
        ({"train.epochs": 3}, "what to search is 3", "a list of values"),
        ({"train.epochs": {"lo": 1, "high": 2}}, "unknown key 'lo'", "'low'"),
        ({"train.epochs": []}, "list of values is empty", "differ"),
        ({"train.epochs": [1, 1]}, "stands twice", "differ"),
        ({"train.epochs": {"low": -1, "high": 2}}, "'train.epochs' is -1", ""),
        ({"train.learning_rate": {"low": 0, "high": 1, "log": True}}, "low is 0 on a log", "above 0"),
        ({"train.epochs": {"low": 1, "high": 2, "step": 5}}, "step is 5", "up to 1"),
        ({"train.learning_rte": [1, 2]}, "unknown key 'train.learning_rte'", "did you mean 'learning_rate'"),
        ({"metod": ["full"]}, "unknown key 'finetune.metod'", "did you mean 'method'"),
        ({"seed": [1, 2]}, "'seed' is not searched", "options"),
        ({"method_options.pooing": ["mean"]}, "has the option 'pooing'", "did you mean 'pooling'"),
        ({"method_options.rank": {"low": 1, "high": 2, "when": {"method": "lora"}}}, "names 'finetune.method'", ""),
        ({"method": ["full"], "train.epochs": {"values": [1], "when": {"method": "lora"}}}, "wants 'lora'", "full"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(search: dict[str, Any], message: str, allowed: str) -> None:
    with pytest.raises(UsageError) as caught:
        space(search)
    assert message in caught.value.what
    assert allowed in caught.value.allowed
    assert "tune" in caught.value.where


def test_conditions_come_first_and_decide_what_applies() -> None:
    rank = {"low": 2, "high": 8, "when": {"method": "lora"}}
    method, dependent = space({"method_options.rank": rank, "method": ["full", "lora"]})
    assert (method.key, dependent.key) == ("finetune.method", "finetune.method_options.rank")
    assert dependent.applies({"finetune.method": "lora"})
    assert not dependent.applies({"finetune.method": "full"})
    assert dependent.to_json()["when"] == {"finetune.method": ["lora"]}


def test_apply_changes_a_copy() -> None:
    changed = apply(CONTENT, {"finetune.train.learning_rate": 1e-3, "reviews.text": "body"})
    assert changed["steps"][1]["finetune"]["train"] == {"epochs": 2, "learning_rate": 1e-3}
    assert changed["steps"][0]["refine"]["text"] == "body"
    assert CONTENT["steps"][1]["finetune"]["train"] == {"epochs": 2}


@given(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9))
def test_every_range_of_the_command_line_comes_back(low: float, high: float) -> None:
    [(_, bounds)] = parse_search([f"train.learning_rate={low!r}..{high!r}:log"]).items()
    assert bounds == {"low": low, "high": high, "log": True}
