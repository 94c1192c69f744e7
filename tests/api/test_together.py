"""Several tasks in one model, from what a user writes to what each task gains or loses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import oreline as ore
from oreline.api import together
from oreline.api.run import plan_run, run
from oreline.errors import DataError, UsageError
from oreline.types import Estimate

TRAIN = {"threads": 1, "epochs": 1}
ROWS = {"text": [f"a {word} film {n}" for n, word in enumerate(["great", "dull"] * 40)], "label": ["good", "bad"] * 40}
MORE = {"text": [f"the {word} was long {n}" for n, word in enumerate(["plot", "actor"] * 30)], "label": ["p", "a"] * 30}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Two files of rows."""
    found = {}
    for name, rows in (("mood", ROWS), ("topic", MORE)):
        lines = [json.dumps({"text": text, "label": label}) for text, label in zip(rows["text"], rows["label"])]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
        found[name] = str(tmp_path / f"{name}.jsonl")
    return found


def test_each_task_is_compared_with_a_model_of_its_own(tiny_start: Path, tmp_path: Path) -> None:
    tasks: dict[str, Any] = {"mood": {"data": ROWS}, "topic": {"data": MORE, "task": "text_classification"}}
    report = ore.multitask(tasks, start=str(tiny_start), train=TRAIN, out=tmp_path / "out")
    assert set(report.metrics) == {
        "mood accuracy", "mood accuracy alone", "topic accuracy", "topic accuracy alone"
    }  # fmt: skip
    table, about = report.tables
    assert [row[0] for row in table.rows] == [row[0] for row in about.rows] == ["mood", "topic"]
    for row in table.rows:
        difference = dict(zip(table.columns, row))["together minus alone"]
        assert difference.low <= difference.value <= difference.high
        assert row[1] in {"gain", "harm", "undecided"}
    assert (tmp_path / "out" / "report.html").is_file()
    for name in tasks:
        alone = ore.load(tmp_path / "out" / together.ALONE / name).artifact
        assert alone.measurements()["steps"] == ore.load(tmp_path / "out" / name).artifact.measurements()["own_steps"]
        assert ore.evaluate(tmp_path / "out" / name, alone.manifest.data["path"], baseline="none").metrics


def test_a_recipe_names_the_models_by_step_and_task(
    files: dict[str, str], tiny_start: Path, tmp_path: Path, warm: list[str]
) -> None:
    content = {
        "out": str(tmp_path / "run"),
        "steps": [
            {"refine": {"as": "rows", "data": files["mood"]}},
            {
                "multitask": {
                    "as": "both",
                    "tasks": {"mood": {"data": "rows"}, "topic": {"data": files["topic"]}},
                    "start": str(tiny_start),
                    "train": TRAIN,
                    "alone": False,
                }
            },
            {"evaluate": {"model": "both/mood", "data": "rows", "baseline": "none"}},
        ],
    }
    planned = plan_run(content).tables[0].rows
    assert planned[1][5] == "after rows"
    report = run(content)
    assert report.metrics["accuracy"].n > 0
    said: list[str] = []
    run(content, on_event=lambda event: said.append(event.message))
    assert sum(message.endswith("done already") for message in said) == 3
    (tmp_path / "tasks.yaml").write_text(yaml.safe_dump({name: {"data": file} for name, file in files.items()}))
    command = [*warm, "-m", "oreline", "multitask"]
    asked = [*command, str(tmp_path / "tasks.yaml"), "--start", str(tiny_start), "--dry-run"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert "2 tasks, together" in done.stdout
    missing = subprocess.run([*command, "none.yaml"], capture_output=True, text=True, check=False)
    assert missing.returncode == 2
    assert "the tasks cannot be read" in missing.stderr


@pytest.mark.parametrize(
    ("tasks", "what"),
    [
        ({"mood": {"data": ROWS}}, "two tasks or more"),
        (["mood"], "two tasks or more"),
        ({"mood": {"data": ROWS}, "../topic": {"data": MORE}}, "a task is called '../topic'"),
        ({"mood": {"data": ROWS}, "alone": {"data": MORE}}, "a task is called 'alone'"),
        ({"mood": {"data": ROWS}, "topic": {"task": "pair"}}, "the task 'topic' names no data"),
        ({"mood": {"data": ROWS}, "topic": {"data": MORE, "lable": "x"}}, "unknown key 'lable'"),
        ({"mood": {"data": ROWS}, "topic": {"data": MORE, "task": "pear"}}, "no task named 'pear'"),
    ],
)
def test_tasks_that_are_wrong_are_refused_before_anything_is_read(tasks: Any, what: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=what):
        ore.multitask(tasks, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_wrong_start_model_is_refused_before_rows_are_refined(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ORELINE_RUNS", str(tmp_path / "runs"))
    with pytest.raises(UsageError, match="there is no start model 'nosuch'"):
        ore.multitask({"a": {"data": ROWS}, "b": {"data": MORE}}, start="nosuch", out=tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_task_that_cannot_be_trained_is_named(tiny_start: Path, tmp_path: Path) -> None:
    one_class = {"text": [f"a film {n}" for n in range(30)], "label": ["good"] * 30}
    with pytest.raises(DataError, match="only 1 class") as caught:
        ore.multitask({"a": {"data": ROWS}, "b": {"data": one_class}}, start=str(tiny_start), out=tmp_path / "out")
    assert caught.value.where == "the task 'b'"
    with pytest.raises(UsageError, match="pretrained start model, not new:bilstm"):
        ore.multitask({"a": {"data": ROWS}, "b": {"data": MORE}}, start="new:bilstm", out=tmp_path / "out")


def test_a_split_that_a_task_lacks_is_missed_before_anything_is_trained(tiny_start: Path, tmp_path: Path) -> None:
    untested = ore.refine(MORE, split={"train": 0.8, "dev": 0.2}, out=tmp_path / "untested")
    tasks = {"a": {"data": ROWS}, "b": {"data": untested}}
    with pytest.raises(DataError, match="no split 'test'") as caught:
        ore.multitask(tasks, start=str(tiny_start), out=tmp_path / "out")
    assert caught.value.where == str(untested.path)
    assert not (tmp_path / "out").exists()


def test_a_difference_is_said_only_when_its_interval_says_it() -> None:
    assert together.verdict(Estimate(0.1, -0.01, 0.2, 9), higher_is_better=True) == "undecided"
    assert together.verdict(Estimate(-0.1, -0.2, -0.01, 9), higher_is_better=True) == "harm"
    assert together.verdict(Estimate(-0.1, -0.2, -0.01, 9), higher_is_better=False) == "gain"
