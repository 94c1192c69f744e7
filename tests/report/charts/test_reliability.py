"""The reliability diagram, against scipy's Wilson interval."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from oreline.report.charts import reliability


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_scipy(case: tuple[int, int]) -> None:
    right, count = case
    expected = binomtest(right, count).proportion_ci(method="wilson")
    assert reliability.wilson(right / count, count) == pytest.approx((expected.low, expected.high), abs=1e-6)


DIAGRAMS = {
    "ten even bins": {
        "confidence": [None] * 5 + [0.55, 0.65, 0.75, 0.85, 0.95],
        "accuracy": [None] * 5 + [0.5, 0.66, 0.7, 0.81, 0.93],
        "count": [0] * 5 + [90, 130, 190, 340, 12750],
    },
    "empty bins left out": {"confidence": [0.52, 0.58, 0.99], "accuracy": [0.4, 0.6, 1.0], "count": [10, 20, 300]},
    "one bin": {"confidence": [0.9], "accuracy": [0.0], "count": [1]},
    "fifteen bins": {
        "confidence": [(i + 0.5) / 15 for i in range(15)],
        "accuracy": [i / 15 for i in range(15)],
        "count": list(range(1, 16)),
    },
}


@pytest.mark.parametrize("name", DIAGRAMS)
def test_text_does_not_overlap(name: str, assert_readable) -> None:
    assert_readable(reliability.draw(DIAGRAMS[name], "t"))


@pytest.mark.parametrize("name", DIAGRAMS)
def test_dots_lie_at_confidence_and_accuracy(name: str, parse) -> None:
    data = DIAGRAMS[name]
    root = parse(reliability.draw(data, "t"))
    (ideal,) = [line.attributes for line in root.all("line") if line.attributes.get("class") == "ideal"]
    left, right, bottom, top = (float(ideal[key]) for key in ("x1", "x2", "y1", "y2"))
    expected = [
        (left + c * (right - left), bottom + a * (top - bottom))
        for c, a, n in zip(data["confidence"], data["accuracy"], data["count"], strict=True)
        if n
    ]
    found = [(float(dot.attributes["cx"]), float(dot.attributes["cy"])) for dot in root.all("circle")]
    assert found == [pytest.approx(point, abs=0.02) for point in expected]


@pytest.mark.parametrize("name", DIAGRAMS)
def test_bars_do_not_overlap(name: str, parse) -> None:
    root = parse(reliability.draw(DIAGRAMS[name], "t"))
    bars = [bar.attributes for bar in root.all("rect") if bar.attributes["class"] == "bar s1 soft"]
    spans = sorted((float(bar["x"]), float(bar["x"]) + float(bar["width"])) for bar in bars)
    assert all(end <= start + 0.02 for (_, end), (start, _) in itertools.pairwise(spans))


def test_every_bin_tells_interval_and_n(parse) -> None:
    tips = [tip.text for tip in parse(reliability.draw(DIAGRAMS["one bin"], "t")).all("title")]
    assert "confidence 0.900: accuracy 0.000 [0.000, 0.793], n = 1" in tips
