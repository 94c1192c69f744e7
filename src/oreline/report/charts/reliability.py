"""A reliability diagram: how often answers of each confidence are right, with 95 % Wilson intervals and counts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oreline.report import formatting
from oreline.report.charts import axes
from oreline.report.charts.axes import Scale
from oreline.report.markup import Markup, tag

LEFT, RIGHT = 44.0, axes.WIDTH - 16.0
TOP, BOTTOM = 24.0, 270.0
COUNTS_TOP, COUNTS_BOTTOM = 296.0, 346.0
HEIGHT = 386.0
_Z = 1.959964
"""97.5 % quantile of the normal distribution."""
_WIDEST = 0.06


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of similar confidence; `start`–`end` is the span in which the bar is drawn."""

    start: float
    end: float
    confidence: float
    accuracy: float
    count: int


def draw(data: Mapping[str, Any], title: str) -> Markup:
    """Return the picture of `{"confidence": [...], "accuracy": [...], "count": [...]}`."""
    bins = _bins(data)
    x = Scale(0.0, 1.0, LEFT, RIGHT)
    y = Scale(0.0, 1.0, BOTTOM, TOP)
    fifths = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    parts = axes.y_axis(y, fifths, left=LEFT, right=RIGHT)
    parts += [_accuracy(one, x, y) for one in bins]
    parts.append(tag("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), class_="ideal"))
    parts += [_interval(one, x, y) for one in bins]
    parts += _counts(bins, x)
    parts += axes.x_axis(x, fifths, y=COUNTS_BOTTOM + 12.0)
    parts += axes.axis_titles(x="confidence", y="accuracy", right=RIGHT, bottom=HEIGHT - 8.0)
    return axes.drawing(*parts, width=axes.WIDTH, height=HEIGHT, title=title, description=_describe(bins))


def wilson(accuracy: float, count: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference".

    >>> tuple(round(bound, 3) for bound in wilson(0.8, 50))
    (0.67, 0.888)
    """
    shrink = 1.0 + _Z**2 / count
    center = (accuracy + _Z**2 / (2 * count)) / shrink
    half = _Z / shrink * math.sqrt(accuracy * (1 - accuracy) / count + _Z**2 / (4 * count**2))
    return center - half, center + half


def _bins(data: Mapping[str, Any]) -> list[Bin]:
    rows = list(zip(data["confidence"], data["accuracy"], data["count"], strict=True))
    known = [(i, float(c), float(a), int(n)) for i, (c, a, n) in enumerate(rows) if n and None not in (c, a)]
    width = 1.0 / len(rows)
    if all(i * width - 1e-6 <= confidence <= (i + 1) * width + 1e-6 for i, confidence, _, _ in known):
        return [Bin(i * width, (i + 1) * width, c, a, n) for i, c, a, n in known]
    # The edges are not known (bins of equal counts, or empty bins left out): bars stand at their mean confidence.
    centers = sorted(c for _, c, _, _ in known)
    half = min((b - a for a, b in itertools.pairwise(centers)), default=_WIDEST) * 0.45
    half = max(0.006, min(half, _WIDEST / 2))
    return [Bin(max(0.0, c - half), min(1.0, c + half), c, a, n) for _, c, a, n in known]


def _accuracy(one: Bin, x: Scale, y: Scale) -> Markup:
    return tag(
        "rect",
        x=x(one.start) + 1.0,
        width=x(one.end) - x(one.start) - 2.0,
        y=y(one.accuracy),
        height=y(0) - y(one.accuracy),
        class_="bar s1 soft",
    )


def _interval(one: Bin, x: Scale, y: Scale) -> Markup:
    low, high = wilson(one.accuracy, one.count)
    at = x(one.confidence)
    tip = (
        f"confidence {one.confidence:.3f}: accuracy {one.accuracy:.3f} [{low:.3f}, {high:.3f}], "
        f"n = {formatting.number(one.count)}"
    )
    return tag(
        "g",
        tag("line", x1=at, x2=at, y1=y(low), y2=y(high), class_="whisker"),
        tag("circle", cx=at, cy=y(one.accuracy), r=4),
        tag("title", tip),
        class_="s1",
    )


def _counts(bins: Sequence[Bin], x: Scale) -> list[Markup]:
    most = max(one.count for one in bins)
    scale = Scale(0.0, float(most), COUNTS_BOTTOM, COUNTS_TOP)
    parts = [
        tag("line", x1=LEFT, x2=RIGHT, y1=COUNTS_BOTTOM, y2=COUNTS_BOTTOM, class_="zero"),
        axes.label("0", LEFT - 6.0, COUNTS_BOTTOM, anchor="end", class_="tick"),
        axes.label(formatting.number(most), LEFT - 6.0, COUNTS_TOP, anchor="end", class_="tick"),
        axes.label("rows", LEFT - 6.0, (COUNTS_TOP + COUNTS_BOTTOM) / 2, anchor="end", class_="axis"),
    ]
    for one in bins:
        area = tag(
            "rect",
            x=x(one.start) + 1.0,
            width=x(one.end) - x(one.start) - 2.0,
            y=scale(one.count),
            height=COUNTS_BOTTOM - scale(one.count),
            class_="bar s4",
        )
        parts.append(tag("g", area, tag("title", f"{formatting.number(one.count)} rows")))
    return parts


def _describe(bins: Sequence[Bin]) -> str:
    return "; ".join(
        f"confidence {one.confidence:.2f}: accuracy {one.accuracy:.2f} of {formatting.number(one.count)} rows"
        for one in bins
    )
