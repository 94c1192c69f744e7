"""Histograms: heights are shares, edges are named."""

from __future__ import annotations

import re

import pytest

from oreline.report.charts import histogram


def path_levels(path: str) -> list[float]:
    return [float(level) for level in re.findall(r"V([\d.]+)", path)]


@pytest.mark.parametrize(
    "edges",
    [[0, 1], list(range(0, 64, 4)), [0, 1, 2, 5, 10, 20, 50, 100, 1000, 10000], [i / 7 for i in range(40)]],
)
def test_text_does_not_overlap(edges, assert_readable) -> None:
    counts = [(i * 37) % 1000 for i in range(len(edges) - 1)]
    assert_readable(histogram.draw({"edges": edges, "series": {"a": counts, "b": counts}, "x_label": "words"}, "t"))
    assert_readable(histogram.draw({"edges": edges, "series": {"a": [0] * len(counts)}}, "t"))


def test_several_series_are_shares_of_their_own_rows(parse) -> None:
    data = {"edges": [0, 1, 2], "series": {"train": [900, 100], "dev": [9, 1]}}
    root = parse(histogram.draw(data, "t"))
    first, second = [path.attributes["d"] for path in root.all("path") if path.attributes["class"] == "line"]
    assert first == second
    assert any("share of rows" in text.text for text in root.all("text"))


def test_one_series_is_counts_in_proportion(parse) -> None:
    root = parse(histogram.draw({"edges": [0, 1, 2, 3], "series": {"train": [40, 20, 0]}}, "t"))
    (line,) = [path.attributes["d"] for path in root.all("path") if path.attributes["class"] == "line"]
    floor = float(re.match(r"M\S+ ([\d.]+)", line)[1])
    high, half, none, _ = path_levels(line)
    assert floor - high == pytest.approx(2 * (floor - half), abs=0.2)
    assert none == floor


def test_edges_share_their_decimals(parse) -> None:
    edges = [-0.05 + 0.005 * index for index in range(21)]
    root = parse(histogram.draw({"edges": edges, "series": {"live": [1] * 20}}, "t"))
    axis = [text.text for text in root.all("text") if "." in text.text]
    assert axis
    assert len({len(text.split(".")[1]) for text in axis}) == 1
    assert "0 to 0.0050: live 1" in [tip.text for tip in root.all("title")]


def test_every_bin_tells_its_counts(parse) -> None:
    root = parse(histogram.draw({"edges": [0, 10, 20], "series": {"train": [3, 1234], "dev": [0, 7]}}, "t"))
    tips = [tip.text for tip in root.all("title")]
    assert "0 to 10: train 3, dev 0" in tips
    assert "10 to 20: train 1,234, dev 7" in tips


def test_marks_stand_at_their_places_with_names(parse) -> None:
    marks = [{"x": 1.5, "label": "from 1.5"}, {"x": 99, "label": "to 99"}, {"x": -1, "label": "from -1"}]
    root = parse(histogram.draw({"edges": [0, 1, 2], "series": {"en": [3, 1]}, "marks": marks}, "t"))
    lines = [line.attributes for line in root.all("line") if line.attributes.get("class") == "ideal"]
    middle, right, left = [float(line["x1"]) for line in lines]
    assert all(line["x1"] == line["x2"] for line in lines)
    assert middle == pytest.approx(left + 0.75 * (right - left))
    assert {"from 1.5", "to 99", "from -1"} <= {text.text for text in root.all("text")}
