"""A chart with its caption, legend and note, as an HTML figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oreline.report import formatting
from oreline.report.charts import axes, bars, histogram, lines, matrix, reliability, scatter, words
from oreline.report.markup import Markup, join, tag

Draw = Callable[[Mapping[str, Any], str], Markup]

_DRAW: dict[str, Draw] = {
    "bars": bars.draw,
    "histogram": histogram.draw,
    "lines": lines.draw,
    "matrix": matrix.draw,
    "reliability": reliability.draw,
    "scatter": scatter.draw,
    "words": words.draw,
}
_OVER_X = ("lines", "scatter")
"""Kinds whose series have places of their own on the horizontal axis."""
_SHARES = (0.01, 0.05, 0.25, 1.0)


def figure(chart: Mapping[str, Any]) -> Markup:
    """Return `<figure>` for a chart's JSON form; one without data says so."""
    kind, data, title = chart["kind"], chart["data"], formatting.clean(chart["title"])
    note = tag("p", chart["note"], class_="note") if chart.get("note") else Markup("")
    if is_empty(kind, data):
        return tag("figure", tag("figcaption", title), tag("p", "No data.", class_="note"), note)
    if kind == "words":  # no picture that could be too wide: the text is folded
        shown = words.draw(data, title)
        return tag("figure", tag("figcaption", title, dir="auto"), words.legend(), shown, note, class_="wide")
    wide = (kind == "bars" and bars.is_wide(data)) or (kind == "matrix" and matrix.is_wide(data))
    picture = tag("div", _DRAW[kind](data, title), class_="scroll", tabindex="0" if wide else None)
    return tag("figure", tag("figcaption", title), _legend(kind, data), picture, note, class_="wide" if wide else None)


def is_empty(kind: str, data: Mapping[str, Any]) -> bool:
    """Whether there is nothing to draw."""
    if kind == "reliability":
        return not any(data.get("count", ()))
    if kind == "matrix":
        return not data.get("labels")
    if kind == "words":
        return not any(text["words"] for text in data.get("texts", ()))
    series = data.get("y" if kind in _OVER_X else "series", {})
    if kind == "bars" and not data.get("labels"):
        return True
    return not any(value is not None for values in series.values() for value in values)


def _legend(kind: str, data: Mapping[str, Any]) -> Markup:
    if kind == "matrix":
        return _matrix_legend()
    if kind == "reliability":
        entries = [_entry("s1", "accuracy with 95 % interval"), _entry("ideal", "perfect calibration")]
        return tag("ul", *entries, _entry("s4", "rows"), class_="legend")
    series = data["y" if kind in _OVER_X else "series"]
    # One series is named by the caption, and a skyline's panels bear their own names.
    if len(series) < 2 or (kind == "bars" and bars.is_wide(data)):
        return Markup("")
    key = "stroke" if kind == "lines" else ""
    names = [name if kind in _OVER_X else counted(name, values) for name, values in series.items()]
    return tag("ul", *(_entry(f"{axes.series_class(i)} {key}", name) for i, name in enumerate(names)), class_="legend")


def counted(name: str, values: Sequence[Any]) -> str:
    """Return a series' name with the rows behind it, where its values count rows.

    >>> counted("train", [5157, 3770]), counted("live", [0.25, 0.75])
    ('train, n = 8,927', 'live')
    """
    return f"{name}, n = {sum(values):,}" if bars.are_counts(values) else name


def _entry(color: str, name: str) -> Markup:
    return tag("li", tag("span", class_=f"key {color}".strip(), aria_hidden="true"), name)


def _matrix_legend() -> Markup:
    steps = [
        tag("span", tag("i", class_=f"key right o{index}"), tag("i", class_=f"key wrong o{index}"), f"{share:.0%}")
        for index, share in enumerate(_SHARES, start=1)
    ]
    shades = tag("li", "share of the true class: ", join(steps), class_="shades")
    return tag("ul", _entry("right", "right"), _entry("wrong", "wrong"), shades, class_="legend")
