"""Measures the text of a drawn chart."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import NamedTuple

import pytest

from oreline.report.charts import axes

_SIZES = {"value": 11.0, "count": 11.0, "share": 10.0}


class Box(NamedTuple):
    """Where a piece of level text lies."""

    text: str
    left: float
    right: float
    middle: float
    size: float


@pytest.fixture
def boxes(parse) -> Callable[[str], tuple[list[Box], tuple[float, float]]]:
    """Return the boxes of all level texts of a chart, and the chart's size."""

    def measure(markup: str) -> tuple[list[Box], tuple[float, float]]:
        (svg,) = parse(markup).all("svg")
        _, _, width, height = map(float, svg.attributes["viewbox"].split())
        found = []
        for element in svg.all("text"):
            a = element.attributes
            if "rotate" in (a.get("transform") or ""):
                continue
            shift = re.match(r"translate\((\S+) (\S+)\)", a.get("transform") or "")
            x, y = map(float, shift.groups() if shift else (a["x"], a["y"]))
            size = _SIZES.get((a.get("class") or "").split(" ")[0], axes.FONT)
            text = "".join(element.own_text)
            wide = axes.text_width(text, size)
            left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[a.get("text-anchor") or "start"]
            found.append(Box(text, left, left + wide, y, size))
        return found, (width, height)

    return measure


@pytest.fixture
def assert_readable(boxes) -> Callable[[str], None]:
    """Fail when text leaves the picture or lies on other text."""

    def check(markup: str) -> None:
        found, (width, height) = boxes(markup)
        for box in found:
            assert box.left >= -3, box
            assert box.right <= width + 3, box
            assert -1 <= box.middle <= height + 1, box
        for one, other in itertools.combinations(found, 2):
            apart = min(one.right, other.right) - max(one.left, other.left) <= 0.5
            # Capitals are about 0.7 em high; lines closer than that touch.
            assert apart or abs(one.middle - other.middle) >= 0.7 * min(one.size, other.size), (one, other)

    return check
