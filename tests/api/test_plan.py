from __future__ import annotations

from pathlib import Path

import pytest

from oreline.api import plan
from oreline.api.run import plan_run
from oreline.errors import DataError, UsageError


def test_refine_is_tried_on_its_first_rows_and_writes_nothing(reviews_csv: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    report = plan.plan("refine", {"data": str(reviews_csv), "group": "movie"}, out=out, seed=0, force=False)
    assert report.tables[0].rows[0][2] == "400"
    assert not out.exists()
    with pytest.raises(DataError, match="no column 'film'") as caught:
        plan.plan("refine", {"data": str(reviews_csv), "group": "film"}, out=out, seed=0, force=False)
    assert caught.value.where == str(reviews_csv)


def test_existing_output_is_refused_early(reviews_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x").touch()
    with pytest.raises(UsageError, match="exists already"):
        plan.plan("refine", {"data": str(reviews_csv)}, out=tmp_path / "data", seed=0, force=False)
    plan.plan("refine", {"data": str(reviews_csv)}, out=tmp_path / "data", seed=0, force=True)


def test_only_verbs_that_write_are_said_to(linear_model, dataset) -> None:
    options = {"model": str(linear_model.path), "data": str(dataset.path)}
    assert plan.plan("evaluate", options, out=None, seed=0, force=False).facts["out"].startswith("nothing")
    training = {"data": str(dataset.path), "method": "linear"}
    assert "new folder" in plan.plan("finetune", training, out=None, seed=0, force=False).facts["out"]


def test_a_recipes_later_steps_wait_for_earlier_ones(reviews_csv: Path, tmp_path: Path) -> None:
    content = {
        "out": str(tmp_path / "run"),
        "steps": [{"refine": {"data": str(reviews_csv)}}, {"finetune": {"data": "refine", "method": "linear"}}],
    }
    report = plan_run(content)
    assert [(row[0], row[1], row[2], row[5]) for row in report.tables[0].rows] == [
        ("refine", "to do", "400", "tried on the first 400 rows"),
        ("finetune", "to do", "320", "linear; after refine"),
    ]
    assert report.tables[0].rows[1][3], "the time is known before there is a dataset"
    assert not (tmp_path / "run").exists()


def test_what_works_on_a_model_not_made_yet_can_only_be_named(reviews_csv: Path, tmp_path: Path) -> None:
    content = {
        "out": str(tmp_path / "run"),
        "steps": [
            {"refine": {"data": str(reviews_csv), "split": {"train": 0.5, "test": 0.5}}},
            {"finetune": {"data": "refine#train", "method": "linear"}},
            {"evaluate": {"data": "refine", "model": "finetune"}},
        ],
    }
    rows = plan_run(content).tables[0].rows
    assert rows[1][2] == "200"
    assert [row[5] for row in rows[1:]] == ["linear; after refine", "after refine and finetune"]


def test_a_network_without_pretraining_is_a_start_model_in_a_recipe(reviews_csv: Path, tmp_path: Path) -> None:
    train = {"data": "refine", "start": "new:textcnn", "start_options": {"filters": 4, "vocabulary": 100}}
    content = {"out": str(tmp_path / "run"), "steps": [{"refine": {"data": str(reviews_csv)}}, {"finetune": train}]}
    rows = plan_run(content).tables[0].rows
    assert rows[1][5] == "new:textcnn: 8 epochs at most; after refine"
    assert rows[1][3]
