"""Rows with some values go into splits of their own, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from oreline.data.dataset import Dataset
from oreline.data.leave_out import LEFT_OUT, LEFT_OUT_TRAIN, column_of, leave_out, values_of
from oreline.data.refine import refine
from oreline.errors import DataError, UsageError


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """90 rows of three shops; the shop is the group, the text's own name is `review`."""
    rows = [(f"text number {n}", "good" if n % 2 else "bad", ("a", "b", "c")[n % 3], n % 5) for n in range(90)]
    frame = pl.DataFrame(rows, schema=["review", "label", "shop", "stars"], orient="row")
    parts = {"train": frame[:60], "dev": frame[60:72], "test": frame[72:]}
    out = tmp_path_factory.mktemp("data") / "d"
    return refine(parts, roles={"text": "review", "group": "shop"}, operators=[], split={}, out=out)


def shops(data: Dataset, split: str) -> set[str]:
    return set(data.frame(split)["group"])


def test_every_row_stands_in_one_split(data: Dataset, tmp_path: Path) -> None:
    left = leave_out(data, "shop", ["b"], out=tmp_path / "left")
    assert left.splits == ("train", "dev", "test", LEFT_OUT, LEFT_OUT_TRAIN)
    assert sum(left.num_rows(split) for split in left.splits) == 90
    for split in ("train", "dev", "test"):
        assert shops(left, split) == {"a", "c"}
    assert shops(left, LEFT_OUT) == shops(left, LEFT_OUT_TRAIN) == {"b"}
    test = set(data.frame("test")["text"])
    assert set(left.frame(LEFT_OUT)["text"]) | set(left.frame("test")["text"]) == test
    assert not set(left.frame(LEFT_OUT_TRAIN)["text"]) & test
    assert left.manifest.roles == data.manifest.roles, "the columns' own names are known as before"


def test_a_column_by_its_role_or_its_own_name_and_numbers_as_text(data: Dataset, tmp_path: Path) -> None:
    assert column_of(data, "shop") == column_of(data, "group") == "group"
    left = leave_out(data, "stars", ["0", "4"], out=tmp_path / "left")
    assert set(left.frame("train")["stars"]) == {1, 2, 3}
    assert set(left.frame(LEFT_OUT)["stars"]) == {0, 4}


def test_values_of_test_rows(data: Dataset) -> None:
    assert sorted(values_of(data, "group", most=3)) == ["a", "b", "c"]
    with pytest.raises(UsageError, match="'shop' has 3 values in test") as caught:
        values_of(data, "group", most=2)
    assert "--leave-out shop=VALUE" in caught.value.remedy


def test_a_column_of_ids_or_texts_is_no_domain(data: Dataset) -> None:
    with pytest.raises(UsageError, match="'review' has 90 values in 90 rows: it looks like ids or free text") as caught:
        values_of(data, "text", most=20)  # test alone has 18, which would be left out one by one
    assert "--leave-out review=VALUE" in caught.value.remedy


def test_small_groups_are_domains_still(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": [f"text {n}" for n in range(24)], "label": ["x", "y"] * 12, "pair": [*range(12)] * 2})
    made = refine({"train": frame[:12], "test": frame[12:]}, roles={}, operators=[], split={}, out=tmp_path / "d")
    assert len(values_of(made, "pair", most=12)) == 12, "two rows for each value are not an id"
    with pytest.raises(UsageError, match="12 values in test"):
        values_of(made, "pair", most=11)


def test_what_cannot_be_left_out(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'shp'") as caught:
        leave_out(data, "shp", ["a"], out=tmp_path / "x")
    assert "did you mean 'shop'" in caught.value.allowed
    with pytest.raises(DataError, match="no test row has the value 'd' in 'shop'"):
        leave_out(data, "shop", ["a", "d"], out=tmp_path / "x")
    with pytest.raises(DataError, match="every row of train has one of the values"):
        leave_out(data, "shop", ["a", "b", "c"], out=tmp_path / "x")
    unsplit = refine({"text": ["x y", "z w"]}, roles={}, operators=[], split={}, out=tmp_path / "unsplit")
    with pytest.raises(DataError, match="no split 'train'"):
        leave_out(unsplit, "text", ["x y"], out=tmp_path / "x")
    assert not (tmp_path / "x").exists()
