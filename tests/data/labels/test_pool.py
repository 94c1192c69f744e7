"""The pool of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oreline.data.dataset import Dataset
from oreline.data.labels.pool import pool_of, sample_of, seen_by_features, selection_lines
from oreline.data.labels.review import row_mark
from oreline.data.labels.selecting import Choice
from oreline.data.refine import refine
from oreline.errors import DataError


def refined(folder: Path, source: Any, **more: Any) -> Dataset:
    return refine(source, operators=[], split={}, out=folder / "data", **more)


LABELLED = {
    "text": ["我要退款", "请退款", "退钱给我", "快递到哪了", "快递慢", "快递呢", "给我退款吧", "我的快递", "请退款"],
    "label": ["钱", "钱", "钱", "物流", "物流", "物流", None, None, None],
}


def test_texts_that_are_labelled_already_are_not_in_the_pool(tmp_path: Path) -> None:
    pool = pool_of(refined(tmp_path, LABELLED, keep_unlabelled=True))
    assert pool.rows["text"].to_list() == ["给我退款吧", "我的快递"]
    assert pool.truth["data:1"] == "钱"
    assert len(pool.truth) == 6


def test_a_linear_layer_over_ngrams_knows_chinese(tmp_path: Path) -> None:
    pool = pool_of(refined(tmp_path, LABELLED, keep_unlabelled=True))
    seen = seen_by_features(pool, None)
    assert seen.says([0, 1]) == ["钱", "物流"]
    assert seen.vectors_ND.shape[0] == 2
    assert seen.known_LD.shape == (6, seen.vectors_ND.shape[1])


def test_data_without_labels_begin_cold(tmp_path: Path) -> None:
    pool = pool_of(refined(tmp_path, {"text": ["a b", "c d", "A b"]}))
    seen = seen_by_features(pool, None)
    assert seen.scores_NK is None
    assert seen.says([0]) == []
    assert len(set(pool.copies.tolist())) == 2
    assert sorted(sample_of(pool).tolist()) == [0, 1, 2]


def test_lines_say_why_and_mix_the_arms(tmp_path: Path) -> None:
    pool = pool_of(refined(tmp_path, {"text": ["a b", "c d", "e f"]}))
    choices = [
        Choice(0, "chosen", {"margin": 0.1, "settles": 0.02, "between": [1, 0]}),
        Choice(2, "random", {"drawn": "at random"}),
    ]
    lines = selection_lines(pool, choices, ["x", "y"], seed=0)
    line = next(line for line in lines if line["row_id"] == "data:1")
    assert line == {
        "row_id": "data:1", "text": "a b", "label": None, "arm": "chosen",
        "why": {"margin": 0.1, "settles": 0.02, "between": ["y", "x"]}, "decision": "", "hash": row_mark("a b", None),
    }  # fmt: skip
    many = [Choice(row, arm) for row, arm in zip([0, 1, 2] * 20, np.repeat(["chosen", "random"], 30))]  # type: ignore[arg-type]
    assert {line["arm"] for line in selection_lines(pool, many, [], seed=0)[:10]} == {"chosen", "random"}


def test_what_cannot_be_selected_from(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="every row has a label"):
        pool_of(refined(tmp_path, {"text": ["a b", "c d"], "label": ["x", "y"]}))
    with pytest.raises(DataError, match="one label each"):
        pool_of(refine({"tokens": [["a"]], "tags": [["O"]]}, operators=[], split={}, out=tmp_path / "tags"))
