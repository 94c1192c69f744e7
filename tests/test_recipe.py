from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from oreline import recipe
from oreline.api.run import STEPS
from oreline.errors import UsageError
from oreline.recipe import TrainOptions, assign, check_options, parse_assignment, read

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))
STEP = {"refine": {"data": "reviews.csv"}}


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_every_shipped_recipe_is_valid(file: Path) -> None:
    found = read(file, STEPS)
    assert found.steps
    assert found.name == file.stem


def test_names_defaults_and_types() -> None:
    found = read({"steps": [STEP, {"finetune": {"as": "model", "data": "refine", "train": {"epochs": "2"}}}]}, STEPS)
    assert [(step.name, step.verb) for step in found.steps] == [("refine", "refine"), ("model", "finetune")]
    assert found.steps[1].options["train"] == TrainOptions(epochs=2)
    assert found.steps[1].options.keys() == {"data", "train"}, "only what was given, so that defaults stay the verb's"
    assert (found.name, found.out, found.seed) == ("run", Path("runs/run"), 0)


def test_options_stand_in_the_order_that_they_were_given_in() -> None:
    """What is written of a recipe is then the same in every process."""
    given = {"data": "x", "task": "pair", "method": "full", "start": "new:bilstm", "label": "kind", "text": "said"}
    for order in (list(given), list(given)[::-1]):
        found = read({"steps": [{"finetune": {name: given[name] for name in order}}]}, STEPS)
        assert list(found.steps[0].options) == order


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ({}, "needs a list of steps", "steps:"),
        ({"steps": []}, "needs a list of steps", ""),
        ({"step": [STEP]}, "unknown key 'step'", "did you mean 'steps'"),
        ({"steps": ["refine"]}, "a step is a mapping with one verb", "step 1"),
        ({"steps": [{"refin": {}}]}, "unknown verb 'refin'", "did you mean 'refine'"),
        ({"steps": [{"refine": "reviews.csv"}]}, "refine takes a mapping", ""),
        ({"steps": [{"refine": {"dat": "x"}}]}, "unknown key 'dat'", "did you mean 'data'"),
        ({"steps": [{"refine": {}}]}, "refine needs 'data'", ""),
        ({"steps": [{"refine": {"data": "x", "seed": 3}}]}, "unknown key 'seed'", ""),
        ({"steps": [STEP, STEP]}, "two steps are called 'refine'", "as:"),
        ({"steps": [STEP], "seed": "many"}, "the seed is 'many'", "whole number"),
        ({"steps": [{"finetune": {"data": "x", "train": {"epoch": 1}}}]}, "unknown key", "did you mean 'epochs'"),
        ({"steps": [{"finetune": {"data": "x", "train": {"epochs": -1}}}]}, "epochs", "greater than 0"),
        ({"steps": [{"compress": {"model": "x", "max_drop": "little"}}]}, "'max_drop' is 'little'", ""),
    ],
)
def test_what_is_wrong_is_named(content: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(content, STEPS)
    assert message in str(caught.value)
    assert hint in str(caught.value)


def test_a_missing_and_a_broken_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recipe") as caught:
        read(tmp_path / "none.yaml", STEPS)
    assert "oreline init" in caught.value.remedy
    broken = tmp_path / "broken.yaml"
    broken.write_text("steps:\n  - refine: {data: x\n")
    with pytest.raises(UsageError, match="not YAML") as caught:
        read(broken, STEPS)
    assert caught.value.where.startswith(f"{broken}:")
    broken.write_text("just text")
    with pytest.raises(UsageError, match="a recipe is a mapping"):
        read(broken, STEPS)
    broken.write_bytes("steps: 中".encode("gb18030"))
    with pytest.raises(UsageError, match="not YAML"):
        read(broken, STEPS)


def test_yaml_objects_are_not_built(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    file = tmp_path / "evil.yaml"
    file.write_text(f"steps: !!python/object/apply:os.system ['touch {proof}']\n")
    with pytest.raises(UsageError, match="not YAML"):
        read(file, STEPS)
    assert not proof.exists()


def test_overrides() -> None:
    content = {"steps": [STEP, {"finetune": {"data": "refine", "train": {"epochs": 1, "rows_per_step": 8}}}]}
    found = read(content, STEPS, overrides=["finetune.train.epochs=3", "seed=7", "out=elsewhere", "refine.label=stars"])
    assert (found.seed, found.out) == (7, Path("elsewhere"))
    assert found.steps[0].options["label"] == "stars"
    assert found.steps[1].options["train"] == TrainOptions(epochs=3, rows_per_step=8)
    for override in ("finetun.train.epochs=3", "epochs=3", "finetune=3"):
        with pytest.raises(UsageError, match="names no step"):
            read(content, STEPS, overrides=[override])


def test_a_key_of_train_beside_train_is_told_its_place() -> None:
    with pytest.raises(UsageError, match="unknown key 'epochs'") as caught:
        read({"steps": [STEP, {"finetune": {"data": "refine", "epochs": 3}}]}, STEPS)
    assert caught.value.allowed == "did you mean 'train.epochs'?"


def test_a_learning_rate_of_a_thousand_is_refused() -> None:
    with pytest.raises(UsageError, match="less than or equal to 10"):
        read({"steps": [STEP, {"finetune": {"data": "refine", "train": {"learning_rate": 1e3}}}]}, STEPS)


def test_assignments() -> None:
    assert parse_assignment("a.b=[1, 2]") == (["a", "b"], [1, 2])
    assert parse_assignment("a=x=y") == (["a"], "x=y")
    for wrong in ("a", "=3", "a={"):
        with pytest.raises(UsageError, match="--set"):
            parse_assignment(wrong)
    for text in ("{text} It was [MASK].", "*", "{text}。总体来说很[MASK]。", 'a: "b": it\'s'):
        with pytest.raises(UsageError, match="not YAML") as caught:
            parse_assignment(f"pattern={text}")
        [told] = shlex.split(caught.value.remedy.removeprefix("for a text: --set "))
        assert parse_assignment(told) == (["pattern"], text)
    options: dict[str, Any] = {"train": {"epochs": 1}, "text": "x"}
    assign(options, ["train", "seed"], 2)
    assign(options, ["new", "deep"], 3)
    assert options == {"train": {"epochs": 1, "seed": 2}, "text": "x", "new": {"deep": 3}}


def test_options_are_checked_against_any_function() -> None:
    def verb(data: str, *, count: int = 1, names: Sequence[str] = (), out: str = "") -> None: ...

    assert check_options("verb", {"data": "x", "count": "3"}, verb, "here") == {"data": "x", "count": 3}
    with pytest.raises(UsageError, match="unknown key 'out'"):
        check_options("verb", {"data": "x", "out": "y"}, verb, "here")


def test_the_schema_knows_every_option_and_validates_the_shipped_recipes() -> None:
    schema = recipe.schema(STEPS)
    steps = {next(iter(step["properties"])): step for step in schema["properties"]["steps"]["items"]["anyOf"]}
    assert steps.keys() == STEPS.keys()
    assert "train" in steps["finetune"]["properties"]["finetune"]["properties"]
    assert "out" not in steps["finetune"]["properties"]["finetune"]["properties"]
    assert "epochs" in schema["$defs"]["TrainOptions"]["properties"]
    for file in RECIPES:
        for entry in yaml.safe_load(file.read_text())["steps"]:
            verb, options = next(iter(entry.items()))
            assert set(options) <= set(steps[verb]["properties"][verb]["properties"])
