"""Where rows go whose label is decided while they are refined."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from oreline.data.labels.label_steps import by_split, has_label, refuse_changed_test, with_review
from oreline.errors import UsageError


class Changing:
    spares_test = True

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame


FRAME = pl.DataFrame({"row_id": ["a", "b", "c"], "label": ["x", None, "y"]})


def test_rows_without_a_label_are_in_no_split_that_is_learnt_from() -> None:
    found = {
        name: rows["row_id"].to_list() for name, rows in by_split(FRAME, "all", ["train", "test"], np.array([0, 0, 1]))
    }
    assert found == {"train": ["a"], "test": ["c"], "unlabelled": ["b"]}
    found = {
        name: rows["row_id"].to_list() for name, rows in by_split(FRAME, "unlabelled", ["unlabelled"], np.zeros(3, int))
    }
    assert found == {"train": ["a", "c"], "unlabelled": ["b"]}
    plain = FRAME.drop("label")
    assert has_label(plain).all()
    assert [name for name, _ in by_split(plain, "train", ["train"], np.zeros(3, int))] == ["train"]
    assert [name for name, _ in by_split(plain, "unlabelled", ["unlabelled"], np.zeros(3, int))] == ["unlabelled"]


@pytest.mark.parametrize(
    ("parts", "split", "refused"),
    [
        (["all"], {"train": 0.8, "test": 0.2}, True),
        (["train"], {"train": 0.8, "test": 0.2}, True),
        (["train", "test"], {"train": 0.8, "test": 0.2}, False),
        (["all"], {}, False),
        (["all"], {"train": 0.9, "dev": 0.1}, False),
    ],
)
def test_labels_of_the_test_split_are_not_changed(parts: list[str], split: dict[str, float], refused: bool) -> None:
    given = dict.fromkeys(parts)
    if refused:
        with pytest.raises(UsageError, match="before the test split is drawn"):
            refuse_changed_test([("c", Changing())], given, split)
    else:
        refuse_changed_test([("c", Changing())], given, split)


def test_without_a_review_the_chain_stays() -> None:
    chain = [("c", Changing())]
    assert with_review(chain, None) == chain
