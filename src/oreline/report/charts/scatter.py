"""Points over a linear, logarithmic or named axis, such as the trials of a search; some series as lines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from oreline.report import formatting
from oreline.report.charts import axes
from oreline.report.charts.axes import Scale
from oreline.report.markup import Markup, tag

HEIGHT = 280.0
_MARGIN = 8.0
"""Room between the outermost points and the plot's edges."""


def draw(data: Mapping[str, Any], title: str) -> Markup:
    """Return the picture of `{"x": {name: [...]}, "y": {name: [...]}}`.

    `x_log` makes the axis logarithmic, `x_names` names the places 0, 1, …; the series in `lines` are drawn as steps.
    """
    points = {name: _points(data["x"][name], values) for name, values in data["y"].items()}
    ys = [y for dots in points.values() for _, y in dots]
    y_ticks = axes.ticks(min(ys), max(ys))
    left = max(axes.text_width(axes.tick_label(value, y_ticks[1] - y_ticks[0])) for value in y_ticks) + 10.0
    right = axes.WIDTH - 28.0
    y_scale = Scale(y_ticks[0], y_ticks[-1], HEIGHT - 42.0, 24.0)
    x_place, x_axis = _horizontal(data, [x for dots in points.values() for x, _ in dots], (left, right))
    parts = [*axes.y_axis(y_scale, y_ticks, left=left, right=right), *x_axis]
    parts += axes.axis_titles(
        x=data.get("x_label", ""), y=data.get("y_label", ""), right=axes.WIDTH - 4.0, bottom=HEIGHT - 10.0
    )
    lines = set(data.get("lines", ()))
    for index, (name, dots) in enumerate(points.items()):
        placed = [(x_place(x), y_scale(y), f"{name}: {formatting.number(y)} at {_at(data, x)}") for x, y in dots]
        children = [_steps(placed)] if name in lines else list(map(_dot, placed))
        parts.append(tag("g", *children, class_=axes.series_class(index)))
    return axes.drawing(*parts, width=axes.WIDTH, height=HEIGHT, title=title, description=_describe(points))


def _points(xs: Sequence[Any], ys: Sequence[Any]) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in zip(xs, ys, strict=True) if x is not None and y is not None]


def _horizontal(data: Mapping[str, Any], xs: Sequence[float], span: tuple[float, float]) -> tuple[Any, list[Markup]]:
    """Return where values lie, and the axis with its ticks."""
    left, right = span[0] + _MARGIN, span[1] - _MARGIN
    y = HEIGHT - 30.0
    if names := data.get("x_names"):
        scale = Scale(-0.5, len(names) - 0.5, left, right)
        room = (right - left) / len(names) - 6.0
        return scale, [axes.fitted(name, scale(i), y, width=room, anchor="middle") for i, name in enumerate(names)]
    low, high = min(xs), max(xs)
    if data.get("x_log") and low > 0:
        inner = Scale(math.log10(low), math.log10(high), left, right)
        if low == high:
            inner = Scale(math.log10(low) - 1, math.log10(low) + 1, left, right)
        ticks = [value for value in log_ticks(low, high) if left - 1 <= inner(math.log10(value)) <= right + 1]
        labels = [(inner(math.log10(value)), formatting.number(value)) for value in ticks]
        return lambda x: inner(math.log10(x)), [axes.label(t, x, y, anchor="middle", class_="tick") for x, t in labels]
    ticks = axes.ticks(low, high)
    scale = Scale(min(low, ticks[0]), max(high, ticks[-1]), left, right)
    return scale, axes.x_axis(scale, ticks, y=y)


def log_ticks(low: float, high: float) -> list[float]:
    """Return round values on a logarithmic axis: powers of ten, with 2 and 5 between where there are few of them.

    >>> log_ticks(1e-5, 5e-4)
    [1e-05, 2e-05, 5e-05, 0.0001, 0.0002, 0.0005]
    >>> log_ticks(1, 1e5)
    [1.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if len(powers) <= 3 else (1,)
    ticks = [float(f"{factor}e{power}") for power in powers for factor in factors]
    return [value for value in ticks if low * 0.999 <= value <= high * 1.001] or [low]


def _dot(placed: tuple[float, float, str]) -> Markup:
    x, y, tip = placed
    return tag("g", tag("circle", cx=x, cy=y, r=3.5), tag("title", tip))


def _steps(placed: Sequence[tuple[float, float, str]]) -> Markup:
    path = "".join(f"M{x:.1f} {y:.1f}" if not i else f"H{x:.1f}V{y:.1f}" for i, (x, y, _) in enumerate(placed))
    return tag("path", d=path, class_="line")


def _at(data: Mapping[str, Any], x: float) -> str:
    names = data.get("x_names")
    return formatting.clean(names[round(x)]) if names else formatting.number(int(x) if x.is_integer() else x)


def _describe(points: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    return "; ".join(
        f"{name}: {len(dots)} points from {formatting.number(min(y for _, y in dots))} "
        f"to {formatting.number(max(y for _, y in dots))}"
        for name, dots in points.items()
        if dots
    )
