"""Folders that the library `datasets` has saved, beside that library."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import polars as pl
import pytest

from oreline.data.sources import frames, given_splits, sources
from oreline.errors import DataError

FEATURES = datasets.Features(
    {
        "text": datasets.Value("string"),
        "label": datasets.ClassLabel(names=["neg", "pos"]),
        "tags": datasets.Sequence(datasets.ClassLabel(names=["O", "B-PER"])),
    }
)
ROWS = {"text": ["好", "b", "c"], "label": [1, 0, -1], "tags": [[0, 1], [], [1]]}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    datasets.Dataset.from_dict(ROWS, features=FEATURES).save_to_disk(tmp_path / "saved", num_shards=2)
    return tmp_path / "saved"


def read(place: object) -> pl.DataFrame:
    return pl.concat(frames(place))


def test_class_names_come_back_and_shards_are_one(saved: Path) -> None:
    frame = read(saved)
    assert frame["row_id"].to_list() == ["saved:1", "saved:2", "saved:3"]
    assert frame["text"].to_list() == ROWS["text"]
    assert frame["label"].to_list() == ["pos", "neg", None]
    assert frame["tags"].to_list() == [["O", "B-PER"], [], ["B-PER"]]


def test_a_dict_of_datasets_gives_its_splits(tmp_path: Path) -> None:
    whole = datasets.Dataset.from_dict(ROWS, features=FEATURES)
    datasets.DatasetDict({"train": whole, "test": whole.select([0])}).save_to_disk(tmp_path / "both")
    given = given_splits(tmp_path / "both") or {}
    assert {name: read(place).height for name, place in given.items()} == {"train": 3, "test": 1}


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("state.json", "{", "not JSON"),
        ("state.json", "[]", "no JSON object"),
        ("state.json", json.dumps({"_data_files": [{"filename": "../../secret.arrow"}]}), "no file '../../secret"),
        ("state.json", json.dumps({"_data_files": [{"filename": "none.arrow"}]}), "no file 'none.arrow'"),
        ("state.json", json.dumps({"_data_files": 3}), "names no data files"),
        ("dataset_info.json", json.dumps({"features": {"text": {"_type": "ClassLabel", "names": ["a"]}}}), "no class numbers"),
        ("dataset_info.json", json.dumps({"features": {"label": {"_type": "ClassLabel", "names": ["a"]}}}), "without a name"),
    ],
)  # fmt: skip
def test_a_damaged_folder_is_named(saved: Path, file: str, content: str, says: str) -> None:
    (saved / file).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=says) as caught:
        read(saved)
    assert caught.value.where == str(saved / file)


def test_a_split_that_is_not_there(saved: Path) -> None:
    (saved / "dataset_dict.json").write_text('{"splits": ["../x"]}', encoding="utf-8")
    with pytest.raises(DataError, match=r"no split '\.\./x'"):
        given_splits(saved)
    assert sources(saved)[0].reader == "saved_dataset"
