"""The deletion test tells a faithful explanation from a reversed and from a random one."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from tests.film_words import FILLER

from oreline.errors import DataError, UsageError
from oreline.explain.deletion import deletion_test, mean_estimate
from oreline.explain.occlusion import Explainer
from oreline.runtime.open import open_runtime

SOURCE = np.random.default_rng(0)


def texts(num_texts: int) -> list[str]:
    """Filler with two telling words of one kind somewhere."""
    made = []
    for number in range(num_texts):
        telling = ["great", "warm"] if number % 2 else ["awful", "dull"]
        made.append(" ".join(SOURCE.permutation([*SOURCE.choice(FILLER[:15], size=10), *telling])))
    return made


def use(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Let the plug give its own weights after a change, as a wrong explainer would."""

    class Changed(Explainer):
        def explain(self, runtime: Any, text: str, *, label: str | None = None) -> dict[str, Any]:
            answer = super().explain(runtime, text, label=label)
            weights = [entry["weight"] for entry in answer["words"]]
            for entry, weight in zip(answer["words"], change(weights), strict=True):
                entry["weight"] = weight
            return answer

    monkeypatch.setattr(sys.modules["oreline.explain.occlusion"], "Explainer", Changed)


def test_occlusion_is_faithful(model):
    report = deletion_test(model, texts(30))
    gain = report.metrics["deletion_gain"]
    assert report.facts["faithful"] is True
    assert gain.low > 0
    assert gain.n == 30
    assert "faithful" in report.title
    assert not report.warnings


def test_a_reversed_explanation_is_not(model, monkeypatch):
    use(monkeypatch, lambda weights: [-weight for weight in weights])
    report = deletion_test(model, texts(30))
    assert report.facts["faithful"] is False
    assert report.metrics["deletion_gain"].high < 0
    assert "not shown to be faithful" in report.title
    assert any("not shown to be faithful" in warning for warning in report.warnings)


def test_a_random_explanation_is_not(model, monkeypatch):
    source = np.random.default_rng(1)
    use(monkeypatch, lambda weights: list(source.random(len(weights))))
    report = deletion_test(model, texts(40), random_orders=10)
    gain = report.metrics["deletion_gain"]
    assert gain.low < 0 < gain.high
    assert report.facts["faithful"] is False


def test_areas_and_curves_agree_with_each_other(model):
    report = deletion_test(model, texts(25))
    metrics, chart = report.metrics, report.charts[0]
    gain = metrics["deletion_area_random"].value - metrics["deletion_area_explained"].value
    assert metrics["deletion_gain"].value == pytest.approx(gain)
    for name, key in (("explained order", "deletion_area_explained"), ("random order", "deletion_area_random")):
        area = np.trapezoid(chart.data["y"][name], chart.data["x"][name])
        assert metrics[key].value == pytest.approx(area)
    # Both curves begin with the whole text and end with the empty one.
    begin, end = ([chart.data["y"][name][place] for name in chart.data["y"]] for place in (0, -1))
    assert begin[0] == pytest.approx(begin[1])
    assert end == pytest.approx([0.5, 0.5])


def test_same_under_a_seed(model):
    sample = texts(25)
    assert deletion_test(model, sample, seed=1).to_json() == deletion_test(model, sample, seed=1).to_json()
    assert deletion_test(model, sample, seed=1).metrics != deletion_test(model, sample, seed=2).metrics


def test_short_texts_are_left_out_and_few_texts_warned_of(model):
    report = deletion_test(model, [*texts(5), "great", ""])
    assert report.metrics["deletion_gain"].n == 5
    assert any("2 rows have fewer than 3 words" in warning for warning in report.warnings)
    assert any("only 5 rows" in warning for warning in report.warnings)


def test_the_report_is_json(model, tmp_path):
    deletion_test(model, texts(6)).save(tmp_path)


def test_nothing_to_test_and_wrong_input_are_refused(model):
    with pytest.raises(DataError, match="none of the 2 rows has 3 words"):
        deletion_test(model, ["great", ""])
    with pytest.raises(UsageError, match="one string"):
        deletion_test(model, "great film")
    with pytest.raises(UsageError, match="random_orders is 0"):
        deletion_test(model, texts(2), random_orders=0)


def test_the_interval_of_a_mean_holds_the_truth_as_often_as_it_says():
    source = np.random.default_rng(0)
    found = [mean_estimate(source.exponential(size=60), seed) for seed in range(200)]
    held = sum(estimate.low <= 1.0 <= estimate.high for estimate in found)
    assert 0.88 <= held / 200 <= 0.98


def test_entities_of_a_relation_are_deleted_too(triple_models) -> None:
    rows = [f"{word} <e1:PER>great</e1> {tells} <e2:ORG>dull</e2>" for word in FILLER[:3] for tells in ("with", "of")]
    report = deletion_test(open_runtime(triple_models[1]), rows)
    assert report.metrics["deletion_gain"].n == len(rows)
    assert report.metrics["deletion_gain"].value > 0
