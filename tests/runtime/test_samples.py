"""Sample rows: held out or trained on as they say, stratified, and answered by the model itself."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from oreline.errors import ArtifactError
from oreline.runtime.open import open_runtime
from oreline.runtime.samples import read_samples, stratified_sample


def test_reference_rows_were_not_trained_on_and_replay_rows_were(linear_model, reviews):
    reference, replay = read_samples(linear_model, "reference"), read_samples(linear_model, "replay")
    assert set(reference["row_id"]) <= set(reviews.frame("dev")["row_id"])
    assert set(replay["row_id"]) <= set(reviews.frame("train")["row_id"])
    assert reference["embedding"].null_count() == 0
    assert replay["embedding"].null_count() == replay.height


def test_answers_are_the_models(linear_model):
    reference = read_samples(linear_model, "reference")
    runtime = open_runtime(linear_model)
    scores_NK = runtime.predict({"text": reference["text"].to_list()}).outputs["scores"]
    np.testing.assert_allclose(np.array(reference["scores"].to_list()), scores_NK, atol=1e-6)


def test_classes_keep_their_share():
    frame = pl.DataFrame({"row_id": [str(i) for i in range(1000)], "label": ["a"] * 900 + ["b"] * 98 + ["c"] * 2})
    counts = dict(stratified_sample(frame, frame["label"], 100, seed=0)["label"].value_counts().iter_rows())
    assert counts == {"a": 90, "b": 10, "c": 1}
    assert stratified_sample(frame, "label", 5000, seed=0).height == 1000


def test_a_missing_part_is_named(linear_model):
    with pytest.raises(ArtifactError, match="no other rows"):
        read_samples(linear_model, "other")
