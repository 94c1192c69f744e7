"""Rows as unit vectors, with an encoder and without one, and their neighbours."""

from __future__ import annotations

import numpy as np

from oreline.data.labels.features import dense, nearest, row_features, unit

TEXTS = ["我要退款", "请退款给我", "快递到哪了", "快递什么时候到", "refund my money", "where is my parcel"]


class Letters:
    """Counts three letters."""

    def embed(self, texts: list[str]) -> np.ndarray:
        return np.array([[text.count(letter) for letter in "aer"] for text in texts], np.float64)


def test_ngrams_put_like_texts_of_both_languages_together() -> None:
    features = row_features(TEXTS)
    cosine = (features @ features.T).toarray()
    assert np.allclose(np.diag(cosine), 1)
    assert cosine[0, 1] > cosine[0, 2]
    assert cosine[2, 3] > cosine[2, 0]
    assert row_features(["", ""]).shape[0] == 2, "texts without any n-gram are no error"


def test_an_encoder_gives_unit_rows() -> None:
    found = row_features(["are", "bee"], Letters())
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1)


def test_neighbours_are_the_nearest_rows_of_other_texts() -> None:
    vectors = unit(np.array([[1, 0], [1, 0.1], [1, 0.5], [0, 1], [1, 0]], np.float64))
    copies = np.array([0, 1, 2, 3, 0])
    rows, similarity = nearest(vectors, np.array([0, 3]), copies, 3)
    assert rows.tolist() == [[1, 2, 3], [2, 1, 0]], "row 4 is a copy of row 0, which is shown to others alone"
    assert np.allclose(similarity[0], [0.995, 0.894, 0.0], atol=1e-3)
    assert nearest(vectors[:2], np.array([0]), copies[:2], 4)[0].tolist() == [[1, -1, -1, -1]]
    sparse = row_features(TEXTS)
    assert nearest(sparse, np.array([2]), np.arange(6), 1)[0].tolist() == [[3]]


def test_sparse_features_become_dense() -> None:
    found = dense(row_features(TEXTS), width=3)
    assert found.shape == (6, 3)
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    assert dense(row_features(["a"])).shape[0] == 1
    vectors = np.eye(2, dtype=np.float32)
    assert dense(vectors) is vectors
