"""The rows that training reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import oreline as ore
from oreline import registry
from oreline.data.fold import row_hashes
from oreline.errors import DataError
from oreline.train.rows import dev_rows, encoded_rows, held_out, naming_rows, open_task_for, targets_of, training_frame


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ore.Dataset:
    folder = tmp_path_factory.mktemp("rows")
    train = {"text": [f"film {n}" for n in range(8)], "label": ["good", "bad"] * 4}
    dev = {"text": ["film a", "film b", "film c"], "label": ["good", "strange", None]}
    test = {"text": ["film d"], "label": ["good"]}
    return ore.refine({"train": train, "dev": dev, "test": test}, operators=[], out=folder / "data")


def test_the_rows_of_dev_are_those_whose_target_the_task_knows(data) -> None:
    frame = training_frame(data, registry.get("task", "text_classification"))
    task = open_task_for("text_classification", frame, None)
    assert task.labels == ("bad", "good")
    assert encoded_rows(frame, task).targets.tolist() == [1, 0] * 4
    assert dev_rows(data, task).columns == {"text": ["film a"]}
    assert targets_of(data, "dev", task) == ["good", "strange"]
    assert targets_of(data, "none", task) == []
    seen = row_hashes(data.frame("dev", ["text"]), ["text"])
    assert dev_rows(data, task, seen) is None


@pytest.mark.parametrize(
    ("task", "roles", "good", "bad"),
    [
        ("token_classification", {"text": "text", "tags": "tags"}, [["B-PER", "O"], ["O", "O"]], ["O", "I-LOC"]),
        ("regression", {"text": "text", "label": "label"}, ["1.5", "2"], "many"),
    ],
)
def test_a_dev_target_that_cannot_be_right_is_an_error_with_its_row(tmp_path: Path, task, roles, good, bad) -> None:
    target = list(roles)[1]
    parts = {
        "train": {"text": ["anna runs", "it rains", "bob sits", "so what"], target: good * 2},
        "dev": {"text": ["eve reads", "in paris"], target: [good[0], bad]},
    }
    data = ore.refine(parts, operators=[], out=tmp_path / "data", roles=roles)
    opened = open_task_for(task, training_frame(data, registry.get("task", task)), None)
    with pytest.raises(DataError) as caught:
        dev_rows(data, opened)
    assert caught.value.where == data.frame("dev", ["row_id"])["row_id"][1]


def test_what_is_held_out_is_every_other_split(data) -> None:
    task = registry.create("task", "text_classification", labels=["bad", "good"])
    others = np.concatenate([row_hashes(data.frame(split, ["text"]), ["text"]) for split in ("dev", "test")])
    assert sorted(held_out(data, task)) == sorted(others)
    assert not np.isin(row_hashes(data.frame("train", ["text"]), ["text"]), held_out(data, task)).any()


def test_an_error_about_a_row_names_it(data) -> None:
    frame = data.frame("train", ["row_id"])
    with pytest.raises(DataError) as caught, naming_rows(frame):
        raise DataError("wrong", row=3)
    assert caught.value.where == frame["row_id"][3]


def test_a_missing_column_says_how_to_name_it(data) -> None:
    with pytest.raises(DataError, match="no column with the role 'tags'") as caught:
        training_frame(data, registry.get("task", "token_classification"))
    assert "--role tags=COLUMN" in caught.value.remedy


def test_a_class_that_the_method_does_not_name_is_refused(data, tmp_path: Path) -> None:
    frame = training_frame(data, registry.get("task", "text_classification"), ("good",))
    with pytest.raises(DataError, match=r"the label '\w+' \([\d,]+ rows\) has no description") as caught:
        open_task_for("text_classification", frame, None, ("good", "fine"))
    assert "method_options.descriptions" in caught.value.remedy
