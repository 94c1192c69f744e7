"""Lines go through their points."""

from __future__ import annotations

import re

import pytest

from oreline.report.charts import lines


def draw(series: dict, **labels) -> str:
    return lines.draw(
        {
            "x": {name: [x for x, _ in points] for name, points in series.items()},
            "y": {name: [y for _, y in points] for name, points in series.items()},
            "x_label": "step",
            "y_label": "loss (nats)",
            **labels,
        },
        "t",
    )


def path_points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]


@pytest.mark.parametrize(
    "points",
    [
        [(10, 0.5)],
        [(1, 0.7), (2, 0.7)],
        [(i, 1e-7 * i) for i in range(50)],
        [(i * 1000, 10_000 / (i + 1)) for i in range(100)],
        [(-5, -1.0), (5, 2.0)],
    ],
)
def test_text_does_not_overlap(points, assert_readable) -> None:
    assert_readable(draw({"loss": points}))
    assert_readable(draw({"loss": points, "验证损失": points}, x_label="步数", y_label="损失"))


def test_points_lie_where_their_values_are(parse) -> None:
    root = parse(draw({"loss": [(0, 1.0), (50, 0.5), (100, 0.0)]}))
    (path,) = [path.attributes["d"] for path in root.all("path")]
    (x0, y0), (x1, y1), (x2, y2) = path_points(path)
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y1 - y0 == pytest.approx(y2 - y1, abs=0.2)
    assert y0 < y2
    ticks = {
        text.text: float(text.attributes["y"])
        for text in root.all("text")
        if text.attributes.get("text-anchor") == "end"
    }
    assert y0 == pytest.approx(ticks["1.00"], abs=0.1)


def test_a_missing_value_breaks_the_line(parse) -> None:
    (path,) = parse(draw({"loss": [(0, 1.0), (1, 0.9), (2, None), (3, 0.7), (4, 0.6)]})).all("path")
    assert path.attributes["d"].count("M") == 2


def test_a_long_run_is_thinned_and_keeps_its_end(parse) -> None:
    points = [*((i, 1.0 / (i + 1)) for i in range(50_000)), (50_000, 0.5)]
    markup = draw({"loss": points})
    assert len(markup) < 20_000
    assert parse(markup).all("desc")[0].text == "loss from 1 to 0.5"


def test_few_points_have_dots_that_tell_them(parse) -> None:
    root = parse(draw({"dev": [(100, 0.5), (200, 0.25)]}))
    assert len(root.all("circle")) == 2
    assert "dev: 0.25 at 200" in [tip.text for tip in root.all("title")]
