"""Names of files on a hub tell splits."""

from __future__ import annotations

import pytest

from oreline.data.input.hub_splits import split_files
from oreline.errors import UsageError

PLACE = "hf://datasets/ann/a"


@pytest.mark.parametrize(
    ("files", "splits"),
    [
        (["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test-00000-of-00001.parquet"], {"train": 2, "test": 1}),
        (["train.csv", "dev.csv", "my_eval.csv"], {"train": 1, "dev": 1, "test": 1}),
        (["Train/a.jsonl", "Validation/a.jsonl"], {"train": 1, "dev": 1}),
        (["plain/train-0.parquet", "plain/unsupervised-0.parquet", "plain/test-0.parquet"], {"train": 1, "test": 1}),
        (["training_set.csv", "values.csv", "contest.csv", "retrain.csv"], {}),
        (["test.csv", "dev.csv"], {}),
        (["2023/train.csv", "2024/test.csv"], {"train": 1, "test": 1}),
    ],
)  # fmt: skip
def test_splits_by_name(files: list[str], splits: dict[str, int]) -> None:
    assert {name: len(found) for name, found in split_files(files, PLACE).items()} == splits


def test_several_data_sets_in_one_are_asked_about() -> None:
    files = [f"{name}/{split}-0.parquet" for name in ("cola", "sst2") for split in ("train", "validation")]
    with pytest.raises(UsageError, match="holds 2 data sets") as caught:
        split_files(files, PLACE)
    assert caught.value.allowed == "cola, sst2"
    assert caught.value.remedy.endswith("/cola/*")
