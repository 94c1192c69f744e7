"""The classifier of good and bad texts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from oreline.data.quality.classifier import FEATURE_BITS, Fitted, choose_threshold, features, figures_at, fit
from oreline.errors import DataError

GOOD = [f"这本书写得很好，第{n}章最精彩。" for n in range(15)] + [f"A careful account of case {n}." for n in range(15)]
BAD = [f"加微信领红包{n}！！！点击链接" for n in range(15)] + [f"CLICK HERE {n} to win $$$" for n in range(15)]


def test_it_tells_good_from_bad_in_both_languages_and_survives_json():
    fitted = fit(GOOD, BAD, precision=0.9)
    assert fitted.figures["auc"] > 0.95
    again = Fitted.from_json(json.loads(json.dumps(fitted.to_json())))
    texts = ["这部电影拍得很好，结尾精彩。", "加微信点击领红包！！", "A careful study.", "CLICK to win", ""]
    found = again.probabilities(texts)
    assert np.array_equal(found, fitted.probabilities(texts))
    assert found[0] > found[1]
    assert found[2] > found[3]


def test_features_are_of_length_one_and_fit_into_the_table():
    rows, cells, values = features(["abc abc", "好", ""])
    assert np.bincount(rows, weights=values**2, minlength=3) == pytest.approx([1, 1, 0])
    assert cells.max() < 1 << FEATURE_BITS


def test_few_rows_are_refused():
    with pytest.raises(DataError, match="only 1 bad texts"):
        fit(GOOD, BAD[:1], precision=0.9)


def test_weights_of_another_size_are_refused():
    document = Fitted(np.zeros(3, np.float32), 0.0, 0.5, {}).to_json()
    with pytest.raises(DataError, match="3 weights"):
        Fitted.from_json(document)


def test_thresholds():
    scores, good = np.array([0.9, 0.8, 0.8, 0.3]), np.array([True, True, False, False])
    assert choose_threshold(scores, good, 0.6) == pytest.approx(0.55)
    assert choose_threshold(scores, good, 0.7) == pytest.approx(0.85)
    assert choose_threshold(scores, np.array([False, True, False, False]), 0.9) == pytest.approx(0.55), (
        "the purest there is"
    )
    assert figures_at(scores, good, 0.8) == pytest.approx(
        {"auc": 0.875, "precision": 2 / 3, "recall": 1.0, "accuracy": 0.75}
    )
