"""Lines over a common axis, such as a learning curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oreline.report import formatting
from oreline.report.charts import axes
from oreline.report.charts.axes import Scale
from oreline.report.markup import Markup, tag

HEIGHT = 280.0
MAX_DOTS = 30
"""Lines of more points are drawn without dots."""
MAX_POINTS = 600
"""Longer lines are thinned: the picture has no more pixels than that."""


def draw(data: Mapping[str, Any], title: str) -> Markup:
    """Return the picture of `{"x": {name: [...]}, "y": {name: [...]}, "x_label": …, "y_label": …}`."""
    points = {name: _points(data["x"][name], values) for name, values in data["y"].items()}
    xs = [x for line in points.values() for x, y in line if y is not None]
    ys = [y for line in points.values() for _, y in line if y is not None]
    y_ticks = axes.ticks(min(ys), max(ys))
    left = max(axes.text_width(axes.tick_label(value, y_ticks[1] - y_ticks[0])) for value in y_ticks) + 10.0
    x_ticks = axes.ticks(min(xs), max(xs))
    right = axes.right_edge(axes.tick_label(x_ticks[-1], x_ticks[1] - x_ticks[0]))
    x_scale = _x_scale(min(xs), max(xs), x_ticks, (left, right))
    y_scale = Scale(y_ticks[0], y_ticks[-1], HEIGHT - 42.0, 24.0)
    parts = axes.y_axis(y_scale, y_ticks, left=left, right=right)
    parts += axes.x_axis(x_scale, x_ticks, y=HEIGHT - 30.0)
    parts += axes.axis_titles(x=data.get("x_label", ""), y=data.get("y_label", ""), right=right, bottom=HEIGHT - 10.0)
    for index, (name, line) in enumerate(points.items()):
        parts.append(_line(name, line, x_scale, y_scale, axes.series_class(index)))
    return axes.drawing(*parts, width=axes.WIDTH, height=HEIGHT, title=title, description=_describe(points))


def _line(name: str, points: Sequence[tuple[float, float | None]], x: Scale, y: Scale, color: str) -> Markup:
    """Return one line; it breaks where a value is missing."""
    path, pen_up = "", True
    dots = []
    for at, value in points:
        if value is None:
            pen_up = True
            continue
        path += f"{'M' if pen_up else 'L'}{x(at):.1f} {y(value):.1f}"
        pen_up = False
        tip = f"{name}: {formatting.number(value)} at {formatting.number(at)}"
        if len(points) <= MAX_DOTS:
            dots.append(tag("g", tag("circle", cx=x(at), cy=y(value), r=3), tag("title", tip)))
    return tag("g", tag("path", d=path, class_="line"), *dots, class_=color)


def _points(xs: Sequence[Any], ys: Sequence[Any]) -> list[tuple[float, float | None]]:
    pairs = [(float(x), None if y is None else float(y)) for x, y in zip(xs, ys, strict=True) if x is not None]
    stride = -(-len(pairs) // MAX_POINTS)
    # The last point is the one that readers look for.
    return pairs if stride <= 1 else [*pairs[:-1:stride], pairs[-1]]


def _x_scale(low: float, high: float, values: Sequence[float], span: tuple[float, float]) -> Scale:
    """Return a scale from the first to the last tick, unless that leaves much of the picture empty."""
    slack = 0.12 * (high - low)
    start = values[0] if low - values[0] <= slack else low
    return Scale(start, values[-1] if values[-1] - high <= slack else high, *span)


def _describe(points: Mapping[str, Sequence[tuple[float, float | None]]]) -> str:
    ends = {name: [y for _, y in line if y is not None] for name, line in points.items()}
    return "; ".join(
        f"{name} from {formatting.number(ys[0])} to {formatting.number(ys[-1])}" for name, ys in ends.items() if ys
    )
