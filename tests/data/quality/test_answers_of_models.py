"""Probabilities from the answers of models."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest

from oreline.data.quality.answers_of_models import entities_of, probability_of
from oreline.errors import DataError, UsageError


def test_scores_add_up_and_labels_alone_are_sure():
    answers = pl.DataFrame(
        {"label": ["a", "b"], "scores": [{"a": 0.5, "b": 0.2, "c": 0.3}, {"a": 0.1, "b": 0.8, "c": 0.1}]}
    )
    assert probability_of(answers, ["a", "c"], "m").to_list() == pytest.approx([0.8, 0.2])
    assert probability_of(answers.select("label"), ["a"], "m").to_list() == [1.0, 0.0]


def test_what_is_no_classifier_is_refused():
    with pytest.raises(DataError, match="no class 'd'"):
        probability_of(pl.DataFrame({"label": ["a"], "scores": [{"a": 1.0}]}), ["d"], "m")
    with pytest.raises(DataError, match="gives no label"):
        probability_of(pl.DataFrame({"text": ["a"]}), ["a"], "m")


def test_entities_that_a_model_does_not_find_are_refused():
    finder = SimpleNamespace(entities=("LOC", "PER"))
    assert entities_of(finder, ["per"], "mask_pii") == ("LOC", "PER")
    assert entities_of(SimpleNamespace(), ["PER"], "mask_pii") is None, "a model that does not say"
    with pytest.raises(UsageError, match="the model of mask_pii finds no entity 'PERS'") as told:
        entities_of(finder, ["LOC", "PERS"], "mask_pii")
    assert "PER" in told.value.allowed
    with pytest.raises(UsageError, match="the model of augment_entities finds no entities"):
        entities_of(SimpleNamespace(entities=()), [], "augment_entities")
