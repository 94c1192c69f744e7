"""Bars are as long as their values, and named."""

from __future__ import annotations

import pytest

from oreline.report.charts import axes, bars

LONG = [f"intent_{i:03d}_a_label_far_too_long_for_any_picture" for i in range(150)]


@pytest.mark.parametrize("labels", [["only"], ["正面评价", "与产品无关的讨论"], LONG[:12], LONG[:77], LONG])
@pytest.mark.parametrize("num_series", [1, 3])
def test_text_does_not_overlap(labels, num_series: int, assert_readable) -> None:
    series = {f"split {i}": [(7 * j + i) % 90 * 1000 for j in range(len(labels))] for i in range(num_series)}
    assert_readable(bars.draw({"labels": labels, "series": series}, "t"))


def lengths(parse, data, side: str) -> list[float]:
    return [
        float(bar.attributes[side])
        for bar in parse(bars.draw(data, "t")).all("rect")
        if (bar.attributes.get("class") or "").startswith("bar")
    ]


def test_lying_bars_are_in_proportion(parse) -> None:
    found = lengths(parse, {"labels": ["a", "b", "c"], "series": {"x": [100, 50, 0], "y": [25, 75, 10]}}, "width")
    unit = found[0] / 100
    assert found == pytest.approx([100 * unit, 25 * unit, 50 * unit, 75 * unit, 0, 10 * unit], abs=0.02)


def test_columns_are_in_proportion(parse) -> None:
    values = [i % 11 for i in range(150)]
    found = lengths(parse, {"labels": LONG, "series": {"x": values}}, "height")
    unit = max(found) / 10
    assert found == pytest.approx([value * unit for value in values], abs=0.02)


def test_negative_bars_begin_at_zero(parse, assert_readable) -> None:
    markup = bars.draw({"labels": ["a", "b"], "series": {"x": [-0.02, 0.01]}}, "t")
    assert_readable(markup)
    left, right = [bar for bar in parse(markup).all("rect") if bar.attributes["class"].startswith("bar")]
    (zero,) = [line for line in parse(markup).all("line") if line.attributes["class"] == "zero"]
    origin = float(zero.attributes["x1"])
    assert float(left.attributes["x"]) + float(left.attributes["width"]) == pytest.approx(origin, abs=0.02)
    assert float(right.attributes["x"]) == pytest.approx(origin, abs=0.02)


def test_zeros_and_gaps_are_drawn(assert_readable) -> None:
    assert_readable(bars.draw({"labels": ["a", "b"], "series": {"x": [0, None]}}, "t"))
    assert_readable(bars.draw({"labels": LONG, "series": {"x": [None] + [0] * 149}}, "t"))


def test_every_bar_tells_its_value(parse) -> None:
    for count in (3, 150):
        data = {"labels": LONG[:count], "series": {"train": list(range(count))}}
        tips = [tip.text for tip in parse(bars.draw(data, "t")).all("title")]
        for index in range(count):
            share = f"({100 * index / sum(range(count)):.1f} %)"
            assert any(tip.startswith(LONG[index]) and tip.endswith(f": {index} {share}") for tip in tips)


def test_shares_compare_series_of_different_sizes(parse) -> None:
    data = {"labels": ["a", "b"], "series": {"train": [75, 25], "dev": [3, 1], "odd": [0.5, 0.25], "none": [0, 0]}}
    texts = [text.text for text in parse(bars.draw(data, "t")).all("text")]
    assert {"75 (75.0 %)", "3 (75.0 %)", "25 (25.0 %)", "1 (25.0 %)", "0.5", "0.25", "0"} <= set(texts)


def test_long_labels_are_cut_with_the_whole_as_tooltip(parse) -> None:
    root = parse(bars.draw({"labels": LONG[:2], "series": {"x": [1, 2]}}, "t"))
    label = next(text for text in root.all("text") if text.children)
    assert axes.text_width(label.own_text[0]) <= axes.MAX_LABEL
    assert label.children[0].text == LONG[0]
