"""Points lie where their values are, on each kind of axis."""

from __future__ import annotations

from typing import Any

import pytest

from oreline.report.charts import scatter


def draw(points: list[tuple[float, float]], **more: Any) -> str:
    x, y = zip(*points)
    return scatter.draw(
        {"x": {"a": list(x)}, "y": {"a": list(y)}, "x_label": "rate", "y_label": "accuracy", **more}, "t"
    )


def places(root: Any) -> list[tuple[float, float]]:
    return [(float(dot.attributes["cx"]), float(dot.attributes["cy"])) for dot in root.all("circle")]


@pytest.mark.parametrize(
    ("points", "more"),
    [
        ([(10, 0.5)], {}),
        ([(1, 0.7), (2, 0.7), (30, 0.1)], {}),
        ([(1e-5, 0.5), (3e-3, 0.7)], {"x_log": True}),
        ([(1e-3, 0.5)], {"x_log": True}),
        ([(0, 0.5), (1, 0.7), (2, 0.6)], {"x_names": ["full", "lora", "a method with a very long name"]}),
        ([(i, i * 1e-4) for i in range(200)], {"lines": ["a"]}),
    ],
)
def test_text_does_not_overlap(points, more, assert_readable) -> None:
    assert_readable(draw(points, **more))


def test_a_logarithmic_axis_has_equal_steps_for_equal_factors(parse) -> None:
    (x0, y0), (x1, y1), (x2, _) = places(parse(draw([(1e-4, 0.0), (1e-3, 0.5), (1e-2, 1.0)], x_log=True)))
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.05)
    assert y1 < y0
    (a0, _), (a1, _), (a2, _) = places(parse(draw([(0, 0.0), (5, 0.5), (10, 1.0)])))
    assert a1 - a0 == pytest.approx(a2 - a1, abs=0.05)


def test_points_stand_over_their_names(parse) -> None:
    root = parse(draw([(0, 0.1), (1, 0.2)], x_names=["full", "lora"]))
    named = {
        text.text.strip(): float(text.attributes["x"])
        for text in root.all("text")
        if text.text.strip() in ("full", "lora")
    }
    (x0, _), (x1, _) = places(root)
    assert (x0, x1) == (pytest.approx(named["full"], abs=0.1), pytest.approx(named["lora"], abs=0.1))
    assert "a: 0.2 at lora" in root.text


def test_a_series_of_steps_is_a_line_and_missing_values_are_left_out(parse) -> None:
    root = parse(draw([(1, 0.1), (3, 0.3)], lines=["a"]))
    (path,) = [path.attributes["d"] for path in root.all("path")]
    assert path.count("V") == 1
    assert not root.all("circle")
    markup = scatter.draw({"x": {"a": [1, 2, 3]}, "y": {"a": [0.1, None, 0.3]}}, "t")
    assert len(places(parse(markup))) == 2
    assert "a: 2 points from 0.1 to 0.3" in parse(markup).text
