"""The baseline that stands in every evaluation without being asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

import oreline as ore
from oreline import registry
from oreline.api import baseline
from oreline.store import Artifact
from oreline.train.job import VIEWS_OF_A_LAYER
from oreline.types import Event


@pytest.fixture(scope="module")
def head_model(dataset, tiny_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return ore.finetune(str(tiny_start), dataset, method="head", out=tmp_path_factory.mktemp("head") / "m")


def titles(report) -> list[str]:
    return [table.title for table in report.tables]


def test_it_is_made_once_and_compared_on_the_same_rows(head_model: Artifact, dataset, runs: Path) -> None:
    events: list[Event] = []
    report = ore.evaluate(head_model, dataset, on_event=events.append)
    assert "Against the baseline, split 'test'" in titles(report)
    [made] = runs.glob("baseline-*")
    assert Artifact.open(made).manifest.runtime == "linear"
    assert any("making a linear baseline" in event.message for event in events)
    events.clear()
    ore.evaluate(head_model, dataset, on_event=events.append)
    assert not any("making" in event.message for event in events)


def test_none_asks_for_none_and_a_linear_model_needs_none(head_model: Artifact, linear_model, dataset) -> None:
    assert not any("baseline" in title for title in titles(ore.evaluate(head_model, dataset, baseline="none")))
    assert not any("baseline" in title for title in titles(ore.evaluate(linear_model, dataset)))


@pytest.mark.parametrize("why", ["training rows", "not there any more"])
def test_where_there_is_none_to_be_had_the_reason_is_said(
    head_model: Artifact, dataset, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if why == "training rows":
        monkeypatch.setattr(baseline, "MAX_ROWS", 10)
        model = head_model
    else:
        gone = head_model.manifest.model_copy(update={"data": {**head_model.manifest.data, "fingerprint": "x"}})
        model = Artifact(head_model.path, gone)
    events: list[Event] = []
    assert baseline.default_baseline(model, seed=0, on_event=events.append) is None
    assert why in events[-1].message


@pytest.mark.parametrize("task", ["token_classification", "question_answering", "embedding"])
def test_a_task_without_one_is_not_told_that_one_is_made(head_model: Artifact, task: str, runs: Path) -> None:
    model = Artifact(head_model.path, head_model.manifest.model_copy(update={"task": task}))
    events: list[Event] = []
    assert baseline.default_baseline(model, seed=0, on_event=events.append) is None
    assert [event.message for event in events] == [f"no baseline: the task {task} has none"]


@pytest.mark.parametrize(
    "task", [name for name in registry.names("task") if registry.get("task", name).view in VIEWS_OF_A_LAYER]
)
def test_every_task_of_whole_texts_has_one(task: str, tmp_path: Path) -> None:
    inputs = registry.get("task", task).inputs
    view = registry.get("task", task).view
    labels = {"classes": ["good", "bad"], "labels": ["good", "bad"], "numbers": [1.0, 2.0]}[view]
    rows = {role: [f"a {'great' if n % 2 else 'dull'} film {n} {role}" for n in range(80)] for role in inputs}
    if hasattr(registry.get("task", task), "fault"):
        rows["text"] = [f"<e1>a</e1> {text} <e2>b</e2>" for text in rows["text"]]
    data = ore.refine({**rows, "label": [labels[n % 2] for n in range(80)]}, out=tmp_path / "data")
    model = ore.finetune(None, data, task=task, method="linear", out=tmp_path / "model")
    first = next(iter(ore.evaluate(model, data).metrics.values()))
    assert first.value > 0.8


def test_of_written_answers_it_is_the_beginning_of_what_is_read(writer_model, verdicts, runs: Path) -> None:
    report = ore.evaluate(writer_model, verdicts)
    [table] = [table for table in report.tables if table.title.startswith("Against the baseline")]
    figures = {row[0]: row for row in table.rows}
    assert figures["chrf"][1].value > figures["chrf"][2].value > 0
    [made] = runs.glob("baseline-*")
    assert Artifact.open(made).manifest.runtime == "lead"
