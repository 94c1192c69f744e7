"""A search over a small recipe, interrupted and continued, with failing and stopped trials."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

import oreline as ore
from oreline.api import study, trials
from oreline.api.tune import forecast
from oreline.errors import OrelineError, UsageError
from oreline.store import Artifact
from oreline.types import Event


@pytest.fixture(scope="module")
def data(reviews_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tune") / "reviews"
    ore.refine(reviews_csv, group="movie", out=out)
    return out


@pytest.fixture
def content(data: Path, tmp_path: Path) -> dict[str, Any]:
    return {
        "name": "small",
        "out": str(tmp_path / "out"),
        "seed": 5,
        "steps": [
            {"finetune": {"data": str(data), "method": "linear"}},
            {"evaluate": {"model": "finetune", "data": str(data), "baseline": "none"}},
        ],
        "tune": {
            "method_options.max_features": {"low": 5, "high": 500, "log": True},
            "method_options.longest": [1, 2, 3],
        },
    }


def rows(report: ore.Report) -> list[tuple[Any, ...]]:
    [table] = [table for table in report.tables if table.title == "Trials"]
    keep = [place for place, name in enumerate(table.columns) if name != "seconds"]
    return [tuple(row[place] for place in keep) for row in table.rows]


def test_the_best_recipe_gives_the_same_figure_and_a_second_call_continues(
    content: dict[str, Any], tmp_path: Path
) -> None:
    whole = ore.tune(content, trials=4, out=tmp_path / "whole")
    ore.tune(content, trials=2, out=tmp_path / "parts")
    parts = ore.tune(content, trials=4, out=tmp_path / "parts")
    assert rows(parts) == rows(whole)
    assert len(rows(whole)) == 4
    best = max(row[2] for row in rows(whole))
    assert whole.metrics["accuracy"].value == best
    assert whole.subject["split"] == "dev"
    assert {file.name for file in (tmp_path / "whole").iterdir()} == {
        "best.yaml", "report.html", "report.json", "steps", study.JOURNAL, study.LOCK,
    }  # fmt: skip
    [kept] = (tmp_path / "whole" / "steps").iterdir()
    said: list[Event] = []
    ore.run(tmp_path / "whole" / "best.yaml", on_event=said.append)
    again = Artifact.open(tmp_path / "whole" / "best" / "finetune")
    assert again.manifest.metrics["accuracy"]["value"] == best
    assert (again.path / "linear.safetensors").read_bytes() == (kept / "linear.safetensors").read_bytes()
    assert "tune" not in yaml.safe_load((tmp_path / "whole" / "best.yaml").read_text())


def test_test_rows_are_never_read(content: dict[str, Any], data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "data"
    copy.mkdir()
    for file in data.rglob("*"):
        if file.is_file():
            (copy / file.relative_to(data)).parent.mkdir(exist_ok=True)
            (copy / file.relative_to(data)).write_bytes(file.read_bytes())
    content["steps"][0]["finetune"]["data"] = content["steps"][1]["evaluate"]["data"] = str(copy)
    for shard in (copy / "test").iterdir():
        shard.write_bytes(b"no parquet")
    assert len(rows(ore.tune(content, trials=1, out=tmp_path / "s"))) == 1


def test_a_failed_trial_is_recorded_with_its_reason_and_many_end_the_search(
    content: dict[str, Any], tmp_path: Path
) -> None:
    content["tune"] = {"method_options.shortest": {"low": 1, "high": 9}}
    content["steps"][0]["finetune"]["method_options"] = {"longest": 1}
    with pytest.raises(OrelineError, match=f"{trials.MAX_FAILURES} trials in a row failed") as caught:
        ore.tune(content, trials=30, out=tmp_path / "s")
    assert "longest=1" in caught.value.what
    content["tune"] = {"method_options.shortest": [1, 2]}
    report = ore.tune(content, trials=4, out=tmp_path / "two", search=[])
    failed = [row for row in rows(report) if row[1] == "failed"]
    assert failed
    assert all("shortest=2, longest=1" in row[-1] for row in failed)
    assert report.facts["failed"] == len(failed)


def test_equal_trials_are_not_trained_twice(content: dict[str, Any], tmp_path: Path) -> None:
    content["tune"] = {"method_options.longest": [1, 2]}
    said: list[Event] = []
    report = ore.tune(content, trials=5, out=tmp_path / "s", on_event=said.append)
    assert len(rows(report)) == 5
    assert sum(event.stage == "train" and event.step == 1 for event in said) <= 3, "two values, and the recipe's own"


def test_the_budget_ends_a_search_and_more_of_it_goes_on(
    content: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="minutes"):
        ore.tune(content, minutes=0, out=tmp_path / "s")
    with pytest.raises(UsageError, match="minutes nan"):
        ore.tune(content, minutes=float("nan"), out=tmp_path / "s")
    report = ore.tune(content, trials=50, minutes=0.001, out=tmp_path / "s")
    assert len(rows(report)) == 1, "one trial is ended in any case, or there would be nothing to show"
    assert len(rows(ore.tune(content, trials=2, minutes=5, out=tmp_path / "s"))) == 2
    clock = time.monotonic
    begun = clock()
    monkeypatch.setattr(trials.time, "monotonic", lambda: begun + (clock() - begun) * 1e5)
    cut = ore.tune(content, trials=9, minutes=60, out=tmp_path / "s")
    monkeypatch.undo()
    assert len(rows(cut)) < 9


def test_an_interrupted_trial_is_continued_under_its_number(content: dict[str, Any], tmp_path: Path) -> None:
    whole = ore.tune(content, trials=3, out=tmp_path / "whole")

    def interrupt(event: Event) -> None:
        if event.stage == "train" and event.step == 1 and event.values:
            interrupt.seen += 1
            if interrupt.seen == 3:
                raise KeyboardInterrupt

    interrupt.seen = 0
    with pytest.raises(KeyboardInterrupt):
        ore.tune(content, trials=3, out=tmp_path / "parts", on_event=interrupt)
    assert rows(ore.tune(content, trials=3, out=tmp_path / "parts")) == rows(whole)


def test_a_folder_of_something_else_and_a_search_anew(content: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").touch()
    with pytest.raises(UsageError, match="holds no search"):
        ore.tune(content, out=tmp_path / "mine", force=True)
    ore.tune(content, trials=1, out=tmp_path / "s")
    content["seed"] = 6
    with pytest.raises(UsageError, match="another search was made here") as caught:
        ore.tune(content, trials=1, out=tmp_path / "s")
    assert "--force" in caught.value.remedy
    assert len(rows(ore.tune(content, trials=1, out=tmp_path / "s", force=True))) == 1


def test_data_without_dev_rows(content: dict[str, Any], reviews_csv: Path, tmp_path: Path) -> None:
    content["steps"][0]["finetune"]["data"] = content["steps"][1]["evaluate"]["data"] = str(tmp_path / "d")
    ore.refine(reviews_csv, split={"train": 0.9, "test": 0.1}, out=tmp_path / "d")
    with pytest.raises(UsageError, match="no dev rows") as caught:
        ore.tune(content, trials=1, out=tmp_path / "s")
    assert "split" in caught.value.remedy


def test_dev_figures_in_training_stop_a_trial_that_is_behind(
    content: dict[str, Any], tiny_start: Path, tmp_path: Path
) -> None:
    train = {"epochs": 3, "threads": 1, "evaluations_per_epoch": 1, "patience": 9}
    content["steps"][0]["finetune"] |= {"method": "full", "start": str(tiny_start), "train": train}
    # Four trials that learn, then rates at which nothing is learnt: behind from the first evaluation that counts.
    content["tune"] = {"train.learning_rate": [0.005, 0.0051, 0.0052, 0.0053, 1e-9, 1.1e-9, 1.2e-9, 1.3e-9]}
    report = ore.tune(content, trials=8, out=tmp_path / "s")
    states = [row[1] for row in rows(report)]
    stopped = [row for row in rows(report) if row[1] == "stopped early"]
    assert set(states) <= {"complete", "stopped early"}
    assert stopped
    assert all(row[3] < 1e-8 for row in stopped)
    assert not list((tmp_path / "s" / "steps").glob(".*.work")), "no checkpoint of a stopped trial stays"
    [history] = [chart for chart in report.charts if chart.title == "Figures by trial"]
    assert history.data["x"]["stopped early"] == [row[0] for row in stopped]
    pinned = yaml.safe_load((tmp_path / "s" / "best.yaml").read_text())["steps"][0]["finetune"]["train"]
    assert {"token_budget", "precision", "threads"} <= pinned.keys()


def test_a_forecast_writes_nothing(content: dict[str, Any], tmp_path: Path) -> None:
    report = forecast(content, trials=7, out=tmp_path / "s")
    assert report.facts["trials"] == 7
    assert [row[0] for row in report.tables[0].rows] == [
        "finetune.method_options.max_features", "finetune.method_options.longest",
    ]  # fmt: skip
    assert not (tmp_path / "s").exists()
    with pytest.raises(UsageError, match="trials is 0"):
        forecast(content, trials=0)


def test_a_trial_that_repeats_the_recipe_as_it_stands_has_its_model_kept(
    content: dict[str, Any], tmp_path: Path
) -> None:
    """Its figure is known, and its model may have gone when another trial was the best one."""
    content["steps"][0]["finetune"]["method_options"] = {"max_features": 500}
    content["tune"] = {"method_options.max_features": [2, 500]}
    report = ore.tune(content, trials=6, out=tmp_path / "search")
    features = [row[-1] for row in rows(report)]
    assert features.index(2) < features.index(500), "the seed draws the worse value first"
    best = yaml.safe_load((tmp_path / "search" / "best.yaml").read_text())["steps"][0]["finetune"]
    assert best["method_options"]["max_features"] == 500
    [kept] = (tmp_path / "search" / "steps").iterdir()
    assert Artifact.open(kept).manifest.recipe["options"]["method_options"]["max_features"] == 500
    assert any("no trial is better than the recipe as it stands" in warning for warning in report.warnings)
