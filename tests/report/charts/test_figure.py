"""Figures: captions, legends, notes, and charts without data."""

from __future__ import annotations

import pytest

from oreline.report.charts.figure import figure

FULL = {
    "bars": {"labels": ["a", "b"], "series": {"train": [1, 2], "dev": [3, 4]}},
    "histogram": {"edges": [0, 1, 2], "series": {"train": [1, 2], "dev": [3, 4]}},
    "lines": {"x": {"train": [1], "dev": [1]}, "y": {"train": [1], "dev": [2]}, "x_label": "", "y_label": ""},
    "matrix": {"labels": ["a"], "values": [[1]]},
    "reliability": {"confidence": [0.5], "accuracy": [0.5], "count": [3]},
}
WORDS = {"texts": [{"name": "text", "text": "a film", "words": [{"start": 0, "end": 1, "weight": 0.5}], "span": None}]}
EMPTY = {
    "words": [{}, {"texts": []}, {"texts": [{"name": "text", "text": "", "words": [], "span": None}]}],
    "bars": [{}, {"labels": [], "series": {}}, {"labels": ["a"], "series": {}}, {"labels": [], "series": {"x": []}}],
    "histogram": [{}, {"edges": [], "series": {}}, {"edges": [0, 1], "series": {}}],
    "lines": [{}, {"x": {}, "y": {}}, {"x": {"a": []}, "y": {"a": []}}, {"x": {"a": [1]}, "y": {"a": [None]}}],
    "matrix": [{}, {"labels": [], "values": []}],
    "reliability": [
        {},
        {"confidence": [], "accuracy": [], "count": []},
        {"confidence": [None], "accuracy": [None], "count": [0]},
    ],
}


@pytest.mark.parametrize("kind", FULL)
def test_a_figure_has_caption_picture_and_note(kind: str, parse) -> None:
    (element,) = parse(figure({"title": "Title", "kind": kind, "data": FULL[kind], "note": "A note."})).children
    assert element.name == "figure"
    assert element.all("figcaption")[0].text == "Title"
    assert len(element.all("svg")) == 1
    assert "A note." in element.text


def test_texts_with_weights_have_a_legend_and_are_no_picture(parse) -> None:
    (element,) = parse(figure({"title": "Title", "kind": "words", "data": WORDS, "note": "A note."})).children
    assert [entry.text.strip() for entry in element.all("li")] == ["speaks for the answer", "speaks against it"]
    assert {"a", "film"} <= set(element.all("p")[0].text.split())
    assert not element.all("svg")
    assert "A note." in element.text


@pytest.mark.parametrize(("kind", "data"), [(kind, data) for kind, cases in EMPTY.items() for data in cases])
def test_a_chart_without_data_says_so(kind: str, data: dict, parse) -> None:
    (element,) = parse(figure({"title": "Title", "kind": kind, "data": data, "note": "A note."})).children
    assert not element.all("svg")
    assert "No data." in element.text
    assert "A note." in element.text


@pytest.mark.parametrize("kind", ["bars", "histogram", "lines"])
def test_several_series_have_a_legend(kind: str, parse) -> None:
    root = parse(figure({"title": "t", "kind": kind, "data": FULL[kind]}))
    entries = [entry.text.strip() for entry in root.all("li")]
    assert entries == (["train", "dev"] if kind == "lines" else ["train, n = 3", "dev, n = 7"])
    colors = [key.attributes["class"].split()[1] for key in root.all("span")]
    assert colors == ["s1", "s2"]


def test_one_series_needs_none(parse) -> None:
    data = {"labels": ["a"], "series": {"train": [1]}}
    assert not parse(figure({"title": "t", "kind": "bars", "data": data})).all("li")


@pytest.mark.parametrize("num_classes", [2, 150])
def test_large_charts_take_the_page_and_scroll_by_keyboard(num_classes: int, parse) -> None:
    labels = [str(i) for i in range(num_classes)]
    data = {"labels": labels, "values": [[1] * num_classes] * num_classes}
    (element,) = parse(figure({"title": "t", "kind": "matrix", "data": data})).children
    (scroll,) = [box for box in element.all("div") if box.attributes["class"] == "scroll"]
    wide = num_classes == 150
    assert (element.attributes.get("class") == "wide") is wide
    assert ("tabindex" in scroll.attributes) is wide
