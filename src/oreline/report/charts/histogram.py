"""Histograms: each series as a step line over common bins, as shares of its own rows when there are several."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from oreline.report import formatting
from oreline.report.charts import axes
from oreline.report.charts.axes import Scale
from oreline.report.markup import Markup, tag

HEIGHT = 260.0


def draw(data: Mapping[str, Any], title: str) -> Markup:
    """Return the picture of `{"edges": [n+1], "series": {"train": [n], …}}`."""
    edges = [float(edge) for edge in data["edges"]]
    heights = {name: _heights(counts, share=len(data["series"]) > 1) for name, counts in data["series"].items()}
    highest = max(max(series) for series in heights.values()) or 1.0
    values = axes.ticks(0.0, highest, whole=len(heights) == 1)
    left = max(axes.text_width(axes.tick_label(value, values[1])) for value in values) + 10.0
    y_scale = Scale(0.0, values[-1], HEIGHT - 42.0, 24.0)
    right = axes.right_edge(_edges(edges)[-1])
    positions = _positions(edges, left, right)
    parts = axes.y_axis(y_scale, values, left=left, right=right)
    parts += _edge_labels(edges, positions)
    parts += axes.axis_titles(
        x=data.get("x_label", ""),
        y="share of rows (%)" if len(heights) > 1 else "rows",
        right=right,
        bottom=HEIGHT - 10.0,
    )
    for index, series in enumerate(heights.values()):
        parts.append(_steps(positions, [y_scale(height) for height in series], y_scale(0), axes.series_class(index)))
    parts += _marks(data, edges, positions)
    parts += _tips(data, positions)
    return axes.drawing(*parts, width=axes.WIDTH, height=HEIGHT, title=title, description=_describe(data, edges))


def _marks(data: Mapping[str, Any], edges: Sequence[float], positions: Sequence[float]) -> list[Markup]:
    """Return a dashed line with its name for each of the chart's `marks`; one beyond the edges stands at the edge."""
    found = []
    for row, mark in enumerate(data.get("marks", ())):
        x = _place(float(mark["x"]), edges, positions)
        found.append(tag("line", x1=x, y1=24.0, x2=x, y2=HEIGHT - 42.0, class_="ideal"))
        is_left = x - positions[0] > (positions[-1] - positions[0]) / 2
        anchor = {"anchor": "end"} if is_left else {"anchor": "start"}
        found.append(
            axes.label(mark["label"], x + (-4.0 if is_left else 4.0), 20.0 + 13.0 * row, class_="tick", **anchor)
        )
    return found


def _place(value: float, edges: Sequence[float], positions: Sequence[float]) -> float:
    """Return where a value lies between the edges' positions."""
    if value <= edges[0]:
        return positions[0]
    for (low, high), (left, right) in zip(itertools.pairwise(edges), itertools.pairwise(positions)):
        if value <= high:
            return left + (value - low) / (high - low) * (right - left)
    return positions[-1]


def _heights(counts: Sequence[float], *, share: bool) -> list[float]:
    total = sum(counts) or 1
    return [100.0 * count / total if share else float(count) for count in counts]


def _positions(edges: Sequence[float], left: float, right: float) -> list[float]:
    """Return the edges' positions; bins of unequal width are drawn equally wide, so that heights stay honest."""
    if _even(edges):
        scale = Scale(edges[0], edges[-1], left, right)
        return [scale(edge) for edge in edges]
    return [left + index * (right - left) / (len(edges) - 1) for index in range(len(edges))]


def _even(edges: Sequence[float]) -> bool:
    width = (edges[-1] - edges[0]) / (len(edges) - 1)
    return all(math.isclose(b - a, width, rel_tol=1e-6) for a, b in itertools.pairwise(edges))


def _edge_labels(edges: Sequence[float], positions: Sequence[float]) -> list[Markup]:
    texts = _edges(edges)
    pitch = max(axes.text_width(text) for text in texts) + 8.0
    every = max(1, math.ceil(pitch / ((positions[-1] - positions[0]) / (len(positions) - 1))))
    return [
        axes.label(texts[index], positions[index], HEIGHT - 30.0, anchor="middle", class_="tick")
        for index in range(0, len(edges), every)
    ]


def _edges(edges: Sequence[float]) -> list[str]:
    """Write edges; even ones that are no whole numbers with the decimals that their width needs.

    >>> _edges([0.0, 10.0]), _edges([-0.0448, -0.0397, -0.0346])
    (['0', '10'], ['−0.0448', '−0.0397', '−0.0346'])
    >>> _edges([0.0, 0.05, 0.1])
    ['0', '0.050', '0.100']
    """
    if all(edge.is_integer() for edge in edges):
        return [f"{edge:,.0f}" for edge in edges]
    if not _even(edges) or edges[0] == edges[-1]:
        return [formatting.number(edge) for edge in edges]
    decimals = max(0, 1 - math.floor(math.log10(edges[1] - edges[0]) + 1e-9))
    # Rounded first: an edge of 1e-17 is a zero.
    return [
        formatting.number(round(edge, decimals), decimals=decimals) if round(edge, decimals) else "0" for edge in edges
    ]


def _steps(positions: Sequence[float], tops: Sequence[float], floor: float, color: str) -> Markup:
    path = f"M{positions[0]:.1f} {floor:.1f}"
    for top, end in zip(tops, positions[1:], strict=True):
        path += f"V{top:.1f}H{end:.1f}"
    path += f"V{floor:.1f}"
    return tag("g", tag("path", d=path + "Z", class_="area"), tag("path", d=path, class_="line"), class_=color)


def _tips(data: Mapping[str, Any], positions: Sequence[float]) -> list[Markup]:
    """Return one invisible column for each bin, which carries the counts of all series."""
    edges = _edges([float(edge) for edge in data["edges"]])
    tips = []
    for index, (start, end) in enumerate(itertools.pairwise(positions)):
        counts = ", ".join(f"{name} {formatting.scalar(series[index])}" for name, series in data["series"].items())
        area = tag("rect", x=start, y=24, width=end - start, height=HEIGHT - 66.0, class_="hit")
        tips.append(tag("g", area, tag("title", f"{edges[index]} to {edges[index + 1]}: {counts}")))
    return tips


def _describe(data: Mapping[str, Any], edges: Sequence[float]) -> str:
    parts, texts = [], _edges(edges)
    for name, counts in data["series"].items():
        mode = max(range(len(counts)), key=lambda index: counts[index])
        span = f"{texts[mode]} and {texts[mode + 1]}"
        parts.append(f"{name}: {formatting.number(int(sum(counts)))} rows, most between {span}")
    return "; ".join(parts)
