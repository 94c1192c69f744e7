"""What a method inside a method is handed and leaves behind; whole trainings are in test_k_fold and test_self_training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from oreline.train.inner import part_of, remember, remembered
from oreline.train.job import Rows


def test_a_part_of_rows_keeps_all_columns_in_order() -> None:
    rows = Rows({"text": ["a", "b", "c"]}, np.array([0, 1, 2]), np.eye(3, dtype=np.float32))
    part = part_of(rows, np.array([2, 0]))
    assert part.columns == {"text": ["c", "a"]}
    assert part.targets.tolist() == [2, 0]
    assert part.soft_NK is not None
    assert part.soft_NK.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert part_of(Rows({"text": ["a"]}, np.array([1])), np.array([0])).soft_NK is None


def test_a_part_of_rows_keeps_what_they_count() -> None:
    rows = Rows({"text": ["a", "b", "c"]}, np.array([0, 1, 2]), weights_N=np.array([0.5, 1, 1.5], np.float32))
    part = part_of(rows, np.array([2, 0]))
    assert part.weights_N is not None
    assert part.weights_N.tolist() == [1.5, 0.5]


def test_what_is_remembered_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "work" / "labels.npz"
    assert remembered(file) == {}
    remember(file, rows=np.array([3, 5]), scores=np.array([[0.5, 0.5]], np.float32))
    found = remembered(file)
    assert found["rows"].tolist() == [3, 5]
    assert found["scores"].dtype == np.float32
    assert [entry.name for entry in file.parent.iterdir()] == ["labels.npz"]
