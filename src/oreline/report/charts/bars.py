"""Bars for categories, grouped by series: lying, with their values, when there is room; a skyline when not.

Counts are written with their share of the series, so that series of different sizes can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from oreline.report import formatting
from oreline.report.charts import axes
from oreline.report.charts.axes import Scale
from oreline.report.markup import Markup, tag

MAX_LYING = 48
"""More bars than this are drawn as a skyline: one narrow column for each category."""
_LYING_HEIGHT = 200.0
_PANEL = 110.0
_LABEL_PITCH = 13.0


def draw(data: Mapping[str, Any], title: str) -> Markup:
    """Return the picture of `{"labels": [...], "series": {"train": [...], …}}`."""
    description = "; ".join(
        f"{label}: " + ", ".join(f"{name} {written(values, i)}" for name, values in data["series"].items())
        for i, label in enumerate(data["labels"][:20])
    )
    draw_kind = _skyline if is_wide(data) else _lying
    children, width, height = draw_kind(data)
    return axes.drawing(*children, width=width, height=height, title=title, description=description)


def written(entries: Sequence[Any], index: int) -> str:
    """Write one value of a series; a count with its share of the whole.

    >>> written([5157, 3770], 0), written([0.5, 0.25], 1), written([7], 0)
    ('5,157 (57.8 %)', '0.25', '7')
    """
    text, whole = formatting.scalar(entries[index]), sum(map(_known, entries))
    if len(entries) < 2 or not whole or not are_counts(entries):
        return text
    return f"{text} ({100 * entries[index] / whole:.1f} %)"


def is_wide(data: Mapping[str, Any]) -> bool:
    """Whether the picture needs the page's whole width."""
    return len(data["labels"]) * len(data["series"]) > MAX_LYING


def _lying(data: Mapping[str, Any]) -> tuple[list[Markup], float, float]:
    labels, series = data["labels"], list(data["series"].items())
    thickness = min(max(_LYING_HEIGHT / (len(labels) * len(series)), 11.0), 24.0)
    pitch = len(series) * thickness + 12.0
    values = [_known(value) for _, entries in series for value in entries]
    left = axes.gutter(labels) + 10.0
    room = max(axes.text_width(written(entries, i)) for _, entries in series for i in range(len(labels))) + 8.0
    low, high = min(0.0, *values), max(0.0, *values) or 1.0
    scale = Scale(low, high, left + (room if low < 0 else 0.0), axes.WIDTH - room)
    parts: list[Markup] = []
    for row, name in enumerate(labels):
        top = row * pitch + 4.0
        middle = top + len(series) * thickness / 2
        parts.append(axes.fitted(name, left - 8.0, middle, width=axes.MAX_LABEL, anchor="end"))
        for index, (series_name, entries) in enumerate(series):
            text = written(entries, row)
            place = (top + index * thickness, thickness)
            tip = f"{name} · {series_name}: {text}"
            parts += _bar(scale, entries[row], text, place, axes.series_class(index), tip)
    height = len(labels) * pitch + 2.0
    parts.append(tag("line", x1=scale(0), x2=scale(0), y1=0, y2=height, class_="zero"))
    return parts, axes.WIDTH, height


def _bar(
    scale: Scale, value: float | None, text: str, place: tuple[float, float], color: str, tip: str
) -> list[Markup]:
    top, thickness = place
    end, zero = scale(_known(value)), scale(0.0)
    before = _known(value) < 0
    return [
        tag(
            "rect",
            x=min(zero, end),
            y=top + 1.0,
            width=abs(end - zero),
            height=thickness - 2.0,
            rx=min(2.0, abs(end - zero)),
            class_=f"bar {color}",
        ),
        # An invisible bar across the row, so that even the bar of a zero has its tooltip.
        tag(
            "g",
            axes.label(
                text,
                end + (-5.0 if before else 5.0),
                top + thickness / 2,
                anchor="end" if before else "start",
                class_="value",
            ),
            tag("title", tip),
        ),
    ]


def _skyline(data: Mapping[str, Any]) -> tuple[list[Markup], float, float]:
    labels, series = data["labels"], list(data["series"].items())
    left, right = 56.0, axes.FULL_WIDTH - 4.0
    step = (right - left) / len(labels)
    every = max(1, math.ceil(_LABEL_PITCH / step))
    parts: list[Markup] = []
    for index, (name, entries) in enumerate(series):
        top = 20.0 + index * (_PANEL + 30.0)
        low, high = min(0.0, *map(_known, entries)), max(0.0, *map(_known, entries))
        values = axes.ticks(low, high if high > low else 1.0, most=4, whole=are_counts(entries))
        scale = Scale(values[0], values[-1], top + _PANEL, top)
        parts += axes.y_axis(scale, values, left=left, right=right)
        named = f"{name}, n = {sum(entries):,}" if are_counts(entries) else name
        parts.append(axes.label(named, left, top - 10.0, class_="axis"))
        parts += _columns(scale, labels, entries, left, step, axes.series_class(index))
    bottom = 20.0 + len(series) * (_PANEL + 30.0) - 22.0
    parts += _standing_labels(labels, every, left, step, bottom)
    return parts, axes.FULL_WIDTH, bottom + axes.gutter(labels, most=110.0) + 4.0


def _columns(
    scale: Scale, labels: Sequence[str], entries: Sequence[Any], left: float, step: float, color: str
) -> Iterator[Markup]:
    gap = min(2.0, step * 0.2)
    for index, (name, value) in enumerate(zip(labels, entries, strict=True)):
        end, zero = scale(_known(value)), scale(0.0)
        yield tag(
            "g",
            tag(
                "rect",
                x=left + index * step + gap / 2,
                y=min(zero, end),
                width=step - gap,
                height=abs(end - zero),
                class_=f"bar {color}",
            ),
            tag("title", f"{name}: {written(entries, index)}"),
        )


def _standing_labels(labels: Sequence[str], every: int, left: float, step: float, y: float) -> Iterator[Markup]:
    for index in range(0, len(labels), every):
        x = left + (index + 0.5) * step
        text = axes.clip(formatting.clean(labels[index]), 108.0)
        yield tag("text", text, dy=".35em", text_anchor="end", transform=f"translate({x:.1f} {y:.1f}) rotate(-90)")


def are_counts(entries: Sequence[float | None]) -> bool:
    """Whether a series counts something: whole numbers from zero up."""
    return all(isinstance(entry, int) and entry >= 0 for entry in entries)


def _known(value: float | None) -> float:
    return 0.0 if value is None else float(value)
