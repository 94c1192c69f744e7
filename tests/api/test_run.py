from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

import oreline as ore
from oreline.api import run as running
from oreline.errors import DataError, UsageError
from oreline.types import Event


@pytest.fixture
def content(reviews_csv: Path, tmp_path: Path) -> dict[str, Any]:
    return {
        "name": "small",
        "out": str(tmp_path / "out"),
        "steps": [
            {"refine": {"as": "reviews", "data": str(reviews_csv), "group": "movie"}},
            {"finetune": {"data": "reviews", "method": "linear"}},
            {"evaluate": {"model": "finetune", "data": "reviews"}},
        ],
    }


def steps_done(content: dict[str, Any], **options: Any) -> list[str]:
    """Run, and return the steps that were done anew."""
    said: list[Event] = []
    ore.run(content, on_event=said.append, **options)
    titles = [event.message.split("] ", 1)[1] for event in said if event.stage == "run" and "] " in event.message]
    return [title.split(" ")[0] for title in titles if not title.endswith("done already")]


def test_every_step_writes_its_output_and_one_report_is_written(content: dict[str, Any], tmp_path: Path) -> None:
    report = ore.run(content)
    out = tmp_path / "out"
    assert {"reviews", "finetune", "evaluate", "recipe.yaml", "run.json", "report.json", "report.html"} <= {
        entry.name for entry in out.iterdir()
    }
    results = {(step, what): value for step, what, value in report.tables[0].rows}
    assert results["reviews", "rows in → out"] == "400 → 400"
    assert results["evaluate", "accuracy on test"] == str(report.metrics["accuracy"])
    assert yaml.safe_load((out / "recipe.yaml").read_text())["steps"][1]["finetune"]["method"] == "linear"
    again = ore.run(out / "recipe.yaml")
    assert again.metrics == report.metrics, "the saved recipe is complete: it finds every step done"


def test_finished_steps_are_skipped_and_damaged_ones_done_again(content: dict[str, Any], tmp_path: Path) -> None:
    assert steps_done(content) == ["reviews", "finetune", "evaluate"]
    assert steps_done(content) == []
    (tmp_path / "out" / "finetune" / "linear.json").write_text("{}")
    assert steps_done(content) == ["finetune"]


def test_changed_options_are_refused_and_with_force_done_with_all_that_follows(content: dict[str, Any]) -> None:
    ore.run(content)
    content["steps"][1]["finetune"]["method_options"] = {"max_features": 500}
    with pytest.raises(UsageError, match="step 'finetune' was finished here with other options") as caught:
        ore.run(content)
    assert "--force" in caught.value.remedy
    assert steps_done(content, force=True) == ["finetune", "evaluate"]


def test_changed_raw_data_is_noticed(content: dict[str, Any], reviews_csv: Path, tmp_path: Path) -> None:
    copy = tmp_path / "reviews.csv"
    copy.write_bytes(reviews_csv.read_bytes())
    content["steps"][0]["refine"]["data"] = str(copy)
    ore.run(content)
    copy.write_bytes(reviews_csv.read_bytes() + b"one more,fresh,movie 1,2026-01-01\n")
    with pytest.raises(UsageError, match="step 'reviews' was finished here with other options or other input"):
        ore.run(content)
    assert steps_done(content, force=True) == ["reviews", "finetune", "evaluate"]


def test_a_change_in_a_given_split_is_noticed(content: dict[str, Any], tmp_path: Path) -> None:
    for name in ("train", "test"):
        rows = "".join(f"a great {name} film {n},fresh\na dull {name} film {n},rotten\n" for n in range(20))
        (tmp_path / f"{name}.csv").write_text(f"text,label\n{rows}")
    content["steps"][0]["refine"] = {
        "as": "reviews", "data": {name: str(tmp_path / f"{name}.csv") for name in ("train", "test")}, "split": {},
    }  # fmt: skip
    assert steps_done(content) == ["reviews", "finetune", "evaluate"]
    assert ore.Dataset.open(f"{content['out']}/reviews").splits == ("train", "test")
    assert steps_done(content) == []
    with (tmp_path / "test.csv").open("a") as stream:
        stream.write("one more film,fresh\n")
    with pytest.raises(UsageError, match="step 'reviews' was finished here with other options or other input"):
        ore.run(content)
    content["steps"][0]["refine"]["data"]["test"] = "tset.csv"
    with pytest.raises(UsageError, match=r"no earlier step and no file 'tset\.csv'"):
        ore.run(content)


def test_what_somebody_else_wrote_is_not_replaced(content: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "out" / "finetune").mkdir(parents=True)
    (tmp_path / "out" / "finetune" / "precious").touch()
    with pytest.raises(UsageError, match="not from a run of this recipe"):
        ore.run(content)
    assert (tmp_path / "out" / "finetune" / "precious").exists()


def test_a_name_that_is_neither_step_nor_file_is_refused_before_anything_runs(
    content: dict[str, Any], tmp_path: Path
) -> None:
    content["steps"][2]["evaluate"]["data"] = "review"
    with pytest.raises(UsageError, match="no earlier step and no file 'review'") as caught:
        ore.run(content)
    assert "did you mean 'reviews'" in str(caught.value)
    assert "step 'evaluate', data" in caught.value.where
    assert not (tmp_path / "out").exists()


def test_a_missing_plug_in_a_recipe(content: dict[str, Any]) -> None:
    content["steps"][1]["finetune"]["method"] = "linaer"
    with pytest.raises(UsageError, match="no method named 'linaer'") as caught:
        ore.run(content)
    assert "did you mean 'linear'" in str(caught.value)


def test_a_broken_record_is_named(content: dict[str, Any], tmp_path: Path) -> None:
    ore.run(content)
    (tmp_path / "out" / "run.json").write_text("{")
    with pytest.raises(DataError, match="record of this run cannot be read"):
        ore.run(content)


def test_one_splits_rows_by_name(content: dict[str, Any]) -> None:
    content["steps"][2]["evaluate"]["data"] = "reviews#dev"
    report = ore.run(content)
    assert report.metrics["accuracy"].n == ore.Dataset.open(f"{content['out']}/reviews").num_rows("dev")


def test_keys_depend_on_what_decides_the_result(content: dict[str, Any]) -> None:
    def keys(changed: dict[str, Any], *overrides: str) -> list[str]:
        read = running.recipes.read(changed, running.STEPS, overrides=overrides)
        return [item.key for item in running.planned(read)]

    base = keys(content)
    assert keys(content) == base
    assert keys(content, "out=elsewhere") == base
    assert not set(keys(content, "seed=1")) & set(base)
    changed = keys(content, "evaluate.split=dev")
    assert changed[:2] == base[:2]
    assert changed[2] != base[2]


def test_a_killed_run_continues_to_the_same_model(content: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(content))
    process = subprocess.Popen(
        [sys.executable, "-m", "oreline", "run", str(file), "--quiet"], stdout=subprocess.DEVNULL
    )
    while not (tmp_path / "out" / "reviews").exists():  # the first step is done, and the second begins
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    ore.run(file)
    killed = ore.Artifact.open(tmp_path / "out" / "finetune")
    whole = ore.run({**content, "out": str(tmp_path / "whole")})
    assert (
        killed.file("linear.safetensors").read_bytes()
        == (tmp_path / "whole" / "finetune" / "linear.safetensors").read_bytes()
    )
    assert whole.metrics == ore.Report.open(tmp_path / "out" / "report.json").metrics
    assert not list((tmp_path / "out").glob(".finetune.*"))


def test_serving_monitoring_and_updating_are_steps_too(content: dict[str, Any], tmp_path: Path) -> None:
    content["steps"][0]["refine"]["split"] = {"train": 0.5, "dev": 0.15, "test": 0.2, "fresh": 0.15}
    content["steps"] += [
        {"serve": {"model": "finetune", "rehearse": "reviews#test", "requests": 20}},
        {"monitor": {"model": "finetune", "live": "serve"}},
        {"update": {"model": "finetune", "fresh": "reviews#fresh", "gate": "reviews#test"}},
    ]
    report = ore.run(content)
    results = {(step, what): value for step, what, value in report.tables[0].rows}
    assert results["serve", "requests"].startswith("20 with 80 rows, 0 lost")
    assert results["monitor", "drift"].split(" ")[0] in ("drift", "none")
    assert results["update", "verdict"].split(",")[0] in ("passed", "undecided", "refused")
    assert ore.Artifact.open(tmp_path / "out" / "update").manifest.runtime == "linear"
    assert json.loads((tmp_path / "out" / "reports" / "update.json").read_text())["verb"] == "update"
    assert steps_done(content) == []


def test_columns_in_a_recipe_are_no_paths(tmp_path: Path) -> None:
    """Texts that look like globs, or are too long for a file name, are texts."""
    texts = ["why?", "how*", "x" * 5000, "[a]"] * 10
    running.run(
        {"out": str(tmp_path / "run"), "steps": [{"refine": {"data": {"text": texts}, "operators": [], "split": {}}}]}
    )
    assert ore.Dataset.open(tmp_path / "run" / "refine").num_rows("all") == 40
