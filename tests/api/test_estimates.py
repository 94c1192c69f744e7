"""What a step will take, in words, and looks at the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from oreline.api.estimates import Estimated, first_texts, num_rows, refined
from oreline.data.dataset import Dataset
from oreline.errors import DataError


def test_what_is_not_known_is_left_blank() -> None:
    assert Estimated().cells() == ("", "", "", "")
    assert Estimated(12_808, (3.2, 250), 3 << 29, "tried").cells() == ("12,808", "3 s to 4 min", "1.5 GiB", "tried")
    assert Estimated(seconds=(60, 60)).cells()[1] == "60 s", "two equal ends are one"


def test_rows_are_counted_in_files_and_in_splits(reviews_csv: Path, dataset: Dataset) -> None:
    assert num_rows(str(reviews_csv), "test") == 400
    assert num_rows(None, "test") is None
    assert num_rows(dataset, "dev") == dataset.num_rows("dev")
    assert num_rows(f"{dataset.path}#train", "dev") == dataset.num_rows("train")
    assert refined(str(reviews_csv)) == (None, "")


def test_texts_come_from_the_column_that_holds_them(reviews_csv: Path, dataset: Dataset) -> None:
    assert len(first_texts({"data": dataset})) > 100
    assert first_texts({"data": {"review": ["a", None, "b"]}, "text": "review"}) == ["a", "b"]
    with pytest.raises(DataError, match="no column 'text'") as caught:
        first_texts({"data": {"review": ["a"]}})
    assert "review" in caught.value.allowed
