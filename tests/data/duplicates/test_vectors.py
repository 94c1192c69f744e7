"""Pairs of like direction, against all cosines."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from oreline.data.duplicates import vectors as module
from oreline.data.duplicates.vectors import alike, cosines, hashed_words


def planted(num_rows: int, num_pairs: int) -> np.ndarray:
    random = np.random.default_rng(0)
    rows = random.normal(size=(num_rows, 16)).astype(np.float32)
    rows[num_rows - num_pairs :] = rows[:num_pairs] + random.normal(size=(num_pairs, 16), scale=0.05).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def pairs(vectors: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = list(alike(vectors.__getitem__, 0.95, rows=rows))
    return np.concatenate([one for one, _ in found]), np.concatenate([other for _, other in found])


@pytest.mark.parametrize("blocks", [False, True], ids=["all pairs", "buckets"])
def test_pairs_equal_those_of_all_cosines(blocks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = planted(600, 60)
    if blocks:
        monkeypatch.setattr(module, "_ALL_PAIRS", 100)  # beyond which a bucket is not held as a whole
        monkeypatch.setattr(module, "_BUCKET_ROWS", 150)
        monkeypatch.setattr(module, "_BLOCK", 64)
    near = np.triu(rows @ rows.T >= 0.95, k=1)
    expected = set(zip(*(indices.tolist() for indices in np.nonzero(near))))
    assert len(expected) >= 60
    first, second = pairs(rows, np.arange(600))
    found = set(zip(first.tolist(), second.tolist()))
    some = np.flatnonzero(np.arange(600) % 5)
    assert set(zip(*map(np.ndarray.tolist, pairs(rows, some)))) <= {
        pair for pair in expected if set(pair) <= set(some.tolist())
    }
    assert found <= expected
    assert len(found) >= (0.95 if blocks else 1) * len(expected)
    assert cosines(rows.__getitem__, first, second) == pytest.approx((rows @ rows.T)[first, second])


def test_counted_words_do_not_care_for_order() -> None:
    rows = hashed_words(pl.Series(["a fine warm film", "film warm fine a", "nothing like it", "", None]))
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)
    assert rows[0] @ rows[1] > 0.4 > abs(rows[0] @ rows[2])
    assert not rows[3:].any()
