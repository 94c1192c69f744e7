"""What the kinds of chart share: the drawing area, scales, ticks, text widths. Units are SVG user units (px)."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from oreline.report import formatting
from oreline.report.markup import Markup, tag

WIDTH = 480.0
"""A chart in one column of the page."""
FULL_WIDTH = 960.0
"""A chart across the page."""
FONT = 12.0
MAX_LABEL = 150.0
NUM_COLORS = 6
_THIN = set("iljtfrI.,:;|!'()[] ")


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values `low`–`high` to positions `start`–`end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the position of a value."""
        span = (self.high - self.low) or 1.0
        return self.start + (value - self.low) / span * (self.end - self.start)


def drawing(*children: object, width: float, height: float, title: str, description: str) -> Markup:
    """Return the `<svg>`, with its title and a description of the data for those who cannot see it."""
    return tag(
        "svg",
        tag("title", title),
        tag("desc", description),
        *children,
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        role="img",
        aria_label=f"{title}. {description}",
    )


def series_class(index: int) -> str:
    """Return the CSS classes that colour a series; after the last colour they begin again, with another dash."""
    return f"s{index % NUM_COLORS + 1}" + (" again" if index >= NUM_COLORS else "")


def label(text: object, x: float, y: float, *, anchor: str = "start", class_: str | None = None) -> Markup:
    """Return text whose middle line is at `y`."""
    return tag("text", text, x=x, y=y, text_anchor=anchor if anchor != "start" else None, dy=".35em", class_=class_)


def fitted(text: object, x: float, y: float, *, width: float, anchor: str = "start") -> Markup:
    """Return text cut to a width; the whole text is its tooltip."""
    whole = formatting.clean(text)
    cut = clip(whole, width)
    inner = [cut] if cut == whole else [cut, tag("title", whole)]
    return tag("text", *inner, x=x, y=y, text_anchor=anchor if anchor != "start" else None, dy=".35em")


def text_width(text: str, size: float = FONT) -> float:
    """Estimate how wide text is drawn; the browser's font is not known here, so rather a little too wide.

    >>> text_width("中文", 12.0), text_width("ab", 10.0)
    (24.0, 11.6)
    """
    return size * sum(_em(letter) for letter in text)


def clip(text: str, width: float, size: float = FONT) -> str:
    """Cut text to a width, with an ellipsis.

    >>> clip("a very long class name", 60.0)
    'a very lo…'
    """
    line = " ".join(text.split())
    if text_width(line, size) <= width:
        return line
    kept, used = "", text_width("…", size)
    for letter in line:
        used += text_width(letter, size)
        if used > width:
            break
        kept += letter
    return kept.rstrip() + "…"


def gutter(labels: Sequence[object], *, most: float = MAX_LABEL) -> float:
    """Return the room that labels need, at most `most`."""
    return min(max((text_width(formatting.clean(text)) for text in labels), default=0.0), most)


def ticks(low: float, high: float, *, most: int = 5, whole: bool = False) -> list[float]:
    """Return round values that span `low`–`high`; whole numbers for counts.

    >>> ticks(0, 973)
    [0.0, 250.0, 500.0, 750.0, 1000.0]
    >>> ticks(0.31, 0.69)
    [0.3, 0.4, 0.5, 0.6, 0.7]
    >>> ticks(0, 2, whole=True)
    [0.0, 1.0, 2.0]
    >>> ticks(0.575, 0.575), ticks(4, 4)
    ([0.5, 0.6], [3.0, 4.0, 5.0])
    """
    span = high - low
    if span <= 0:
        step = 10.0 ** math.floor(math.log10(abs(high))) if high else 1.0
        below, above = math.floor(high / step + 1e-9), math.ceil(high / step - 1e-9)
        around = (below - 1, below, below + 1) if below == above else (below, above)
        return [_exact(index * step, step) for index in around]
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10, 20) if span / (power * factor) <= most - 0.999)
    step = max(1.0, float(math.ceil(step))) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [_exact(index * step, step) for index in range(first, max(last, first + 1) + 1)]


def _exact(value: float, step: float) -> float:
    """Take away what binary fractions add: 0.30000000000000004 is the tick 0.3."""
    return round(value, 3 - math.floor(math.log10(step)))


def tick_label(value: float, step: float) -> str:
    """Write a tick with the decimals that its step needs.

    >>> tick_label(0.25, 0.25), tick_label(1500.0, 500.0)
    ('0.25', '1,500')
    """
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0
    if round(step, decimals) != round(step, 6):
        decimals += 1
    return formatting.number(float(value), decimals=decimals) if value else "0"


def right_edge(last_tick: str) -> float:
    """Return where a plot in one column ends, so that the tick at its end is not cut off."""
    return WIDTH - max(text_width(last_tick) / 2, 6.0)


def y_axis(scale: Scale, values: Sequence[float], *, left: float, right: float) -> list[Markup]:
    """Return horizontal grid lines with their values at the left."""
    step = values[1] - values[0]
    return [
        part
        for value in values
        for part in (
            tag("line", x1=left, x2=right, y1=scale(value), y2=scale(value), class_="zero" if not value else "grid"),
            label(tick_label(value, step), left - 6, scale(value), anchor="end", class_="tick"),
        )
    ]


def x_axis(scale: Scale, values: Sequence[float], *, y: float) -> list[Markup]:
    """Return tick values under the horizontal axis."""
    step = values[1] - values[0]
    shown = [value for value in values if scale.low - 1e-9 <= value <= scale.high + 1e-9]
    return [label(tick_label(value, step), scale(value), y, anchor="middle", class_="tick") for value in shown]


def axis_titles(*, x: str, y: str, right: float, bottom: float) -> list[Markup]:
    """Return the names of both axes: `y` above the plot at the left, `x` under it at the right."""
    return [label(y, 0.0, 8.0, class_="axis"), label(x, right, bottom, anchor="end", class_="axis")]


def _em(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    return 0.35 if letter in _THIN else 0.68 if letter.isupper() or letter in "mwMW@%—" else 0.58
