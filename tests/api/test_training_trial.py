"""A dry run of fine-tuning begins the real work, stops before the first step, and leaves nothing behind."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline.api import training_trial
from oreline.api.training_trial import try_together, try_training
from oreline.errors import DataError, UsageError

OPTIONS: dict[str, Any] = {"method": "full", "train": {"epochs": 2, "threads": 1}}


@pytest.mark.parametrize("method", ["full", "lora", "head", "linear", "contrastive"])
def test_every_method_foretells_itself(method: str, dataset, tiny_start: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = try_training({**OPTIONS, "data": str(dataset.path), "start": str(tiny_start), "method": method})
    assert found is not None
    assert found.rows == dataset.num_rows("train")
    assert found.seconds is not None
    assert 0 < found.seconds[0] < 600
    assert found.memory_bytes is not None
    assert found.memory_bytes > 1 << 27  # torch alone takes that
    assert ("steps" in found.note) == (method not in ("head", "linear"))
    assert not list(tmp_path.iterdir())


def test_several_trainings_are_foretold_together(dataset, tiny_start: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = {**OPTIONS, "data": str(dataset.path), "start": str(tiny_start)}

    def num_steps(given: dict[str, Any]) -> int:
        found = try_training({**options, **given})
        return int(re.search(r"([\d,]+) steps", found.note).group(1).replace(",", ""))

    alone = num_steps({})
    folds = num_steps({"method": "k_fold", "method_options": {"folds": 4, "repeats": 2}})
    assert folds == pytest.approx((2 * 4 * 3 / 4 + 1) * alone, rel=0.1), "three quarters of the rows each, then all"
    averaged = num_steps({"method": "k_fold", "method_options": {"folds": 4, "output": "averaged"}})
    assert averaged == pytest.approx(3 * alone, rel=0.1)


def test_raw_rows_are_tried_in_part_and_scaled(
    reviews_csv: Path, tiny_start: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training_trial, "TRIAL_ROWS", 100)
    found = try_training({**OPTIONS, "data": str(reviews_csv), "start": str(tiny_start)})
    assert found is not None
    assert 250 < found.rows <= 400  # of 400 rows, a part is for dev and test
    assert not list(tmp_path.iterdir())
    frame = pl.read_csv(reviews_csv).head(60)
    assert try_training({**OPTIONS, "data": frame, "start": str(tiny_start), "method": "linear"}).rows < 60


def test_frozen_layers_say_what_they_keep(dataset, tiny_start: Path) -> None:
    frozen = {"method_options": {"freeze_layers": 1}}
    found = try_training({**OPTIONS, **frozen, "data": str(dataset.path), "start": str(tiny_start)})
    assert "GiB of disk for what the frozen layers return" in found.note


def test_what_says_nothing_beforehand_is_left_to_the_estimate(dataset, tiny_start: Path) -> None:
    options = {"data": str(dataset.path), "start": str(tiny_start), "method": "zero_shot"}
    assert try_training({**options, "method_options": {"descriptions": {"fresh": "good", "rotten": "bad"}}}) is None


def test_it_raises_what_the_verb_would_raise(dataset, tiny_start: Path) -> None:
    options = {**OPTIONS, "data": str(dataset.path), "start": str(tiny_start)}
    with pytest.raises(UsageError, match="freeze_layers is 9"):
        try_training({**options, "method_options": {"freeze_layers": 9}})
    with pytest.raises(DataError, match="tags"):
        try_training({**options, "task": "token_classification"})
    with pytest.raises(UsageError, match="no data given"):
        try_training({})


def test_several_tasks_are_foretold_by_their_own_training(
    dataset, reviews_csv: Path, tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training_trial, "TRIAL_ROWS", 100)
    tasks = {"refined": {"data": str(dataset.path)}, "raw": {"data": str(reviews_csv)}}
    given = {"tasks": tasks, "start": str(tiny_start), "train": OPTIONS["train"]}
    both, once = try_together(given), try_together({**given, "alone": False})
    assert both.note.startswith("2 tasks, together and each alone; ")
    assert once.note.startswith("2 tasks, together; ")
    assert "steps; measured on its own rows" in once.note
    for found in (both, once):
        assert dataset.num_rows("train") + 250 < found.rows <= dataset.num_rows("train") + 400  # a part is for dev
        assert found.seconds is not None
        assert 0 < found.seconds[0] < 600
        assert found.memory_bytes is not None
        assert found.memory_bytes > 1 << 27
    assert not list(tmp_path.iterdir())


def test_a_task_that_cannot_be_trained_is_named_before_it_is(dataset, tiny_start: Path) -> None:
    one_class = {"text": [f"a film {number}" for number in range(20)], "label": ["x"] * 20}
    tasks = {"good": {"data": str(dataset.path)}, "bad": {"data": one_class}}
    with pytest.raises(DataError) as caught:
        try_together({"tasks": tasks, "start": str(tiny_start)})
    assert "'bad'" in str(caught.value.where)
    with pytest.raises(UsageError, match="two tasks or more"):
        try_together({"tasks": {"good": tasks["good"]}})


def test_an_error_names_what_the_user_gave(tiny_start: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text("\n".join(json.dumps({"text": f"row {n}", "label": ["a", "b"]}) for n in range(60)))
    with pytest.raises(DataError, match="is a list") as caught:
        try_training({**OPTIONS, "data": str(file), "start": str(tiny_start)})
    assert caught.value.where.startswith(f"{file}:")
    file.write_text(
        "\n".join(json.dumps({"text": f"row {n}", "answers": "row", "text_pair": f"a row {n}"}) for n in range(60))
    )
    with pytest.raises(DataError, match="no column with the role 'label'") as caught:
        try_training({**OPTIONS, "data": str(file), "start": str(tiny_start)})
    assert caught.value.where == str(file)
    assert caught.value.remedy.endswith("; or --task question_answering")
    file.write_text("\n".join(json.dumps({"words": f"row {n}"}) for n in range(60)))
    with pytest.raises(DataError, match="no column is named 'text'") as caught:
        try_training({**OPTIONS, "data": str(file), "start": str(tiny_start)})
    assert caught.value.where == str(file)
