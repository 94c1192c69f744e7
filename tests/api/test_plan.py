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


def test_training_is_estimated_from_the_models_weights(dataset, tiny_start: Path) -> None:
    options = {"data": str(dataset.path), "start": str(tiny_start), "method": "full", "train": {"epochs": 1}}
    once, thrice = (plan.estimate("finetune", {**options, "train": {"epochs": epochs}}) for epochs in (1, 300))
    assert once.rows == dataset.num_rows("train")
    assert once.seconds is not None
    assert thrice.seconds is not None
    assert once.seconds[0] < once.seconds[1]
    assert once.seconds[1] < thrice.seconds[0]
    assert thrice.memory_bytes == once.memory_bytes
    bounded = plan.estimate("finetune", {**options, "train": {"epochs": 1e9, "minutes": 2}})
    assert bounded.seconds == (120, 120)
    assert plan.estimate("finetune", {**options, "method": "head"}).note.startswith("head")


def test_the_linear_method_is_estimated_from_counting_its_texts() -> None:
    def estimated(rows: int) -> plan.Estimated:
        return plan.estimate("finetune", {"data": {"text": ["a film of some length"] * rows}, "method": "linear"})

    few, many = estimated(500), estimated(50_000)
    assert few.seconds is not None
    assert many.seconds is not None
    assert 0 < few.seconds[0] < few.seconds[1] < many.seconds[1]
    assert few.memory_bytes < many.memory_bytes
    assert many.cells()[0] == "50,000"


def test_only_verbs_that_write_are_said_to(linear_model, dataset) -> None:
    options = {"model": str(linear_model.path), "data": str(dataset.path)}
    assert plan.plan("evaluate", options, out=None, seed=0, force=False).facts["out"].startswith("nothing")
    assert "new folder" in plan.plan("compress", options, out=None, seed=0, force=False).facts["out"]


def test_other_verbs_count_their_rows(linear_model, dataset) -> None:
    found = plan.estimate("evaluate", {"model": str(linear_model.path), "data": str(dataset.path)})
    assert found.rows == dataset.num_rows("test")
    with pytest.raises(UsageError, match="no data given"):
        plan.estimate("finetune", {})


def test_a_recipes_later_steps_wait_for_earlier_ones(reviews_csv: Path, tmp_path: Path) -> None:
    content = {
        "out": str(tmp_path / "run"),
        "steps": [{"refine": {"data": str(reviews_csv)}}, {"finetune": {"data": "refine", "method": "linear"}}],
    }
    report = plan_run(content)
    assert [(row[0], row[1], row[2], row[5]) for row in report.tables[0].rows] == [
        ("refine", "to do", "400", "tried on the first 400 rows"),
        ("finetune", "to do", "", "after refine"),
    ]
    assert not (tmp_path / "run").exists()
