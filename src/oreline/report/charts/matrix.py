"""A confusion matrix, shaded by the share of its row: blue where right, orange where wrong.

Up to `MAX_NUMBERS` classes carry their counts; more are drawn across the page with thinned labels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from oreline.report import formatting
from oreline.report.charts import axes
from oreline.report.markup import Markup, tag

MAX_NUMBERS = 12
MAX_NARROW = 24
"""Matrices of more classes take the page's whole width."""
MAX_CELL = 110.0
WIDE_CELL = 5.6
MAX_WIDE = 840.0
MAX_TIPS = 600
SHADES = 20
MAX_ROW_LABEL = 130.0
MAX_COLUMN_LABEL = 110.0
_LABEL_PITCH = 12.5
_LEANING_PITCH = 18.0
_SMALL = 10.5


def draw(data: Mapping[str, Any], title: str) -> Markup:
    """Return the picture of `{"labels": [...], "values": [[...], …]}`; rows are true, columns predicted."""
    labels = [formatting.clean(label) for label in data["labels"]]
    rows = [[float(value or 0) for value in row] for row in data["values"]]
    wide = is_wide(data)
    width = axes.FULL_WIDTH if wide else axes.WIDTH
    left = axes.gutter(labels, most=MAX_ROW_LABEL) + 26.0
    lean = 0.72 * axes.gutter(labels, most=MAX_COLUMN_LABEL)
    # Across the page, cells of many classes need the room more than the page needs to be short.
    side = min(max(620.0, WIDE_CELL * len(labels)), MAX_WIDE) if wide else width - left - 8.0
    side = min(side, width - left - 8.0, MAX_CELL * len(labels))
    angle = _angle(labels, side / len(labels))
    if angle == -45:  # the last label leans out of the square
        side = min(side, width - left - lean)
    cell = side / len(labels)
    top = 38.0 + {0: 4.0, -45: lean, -90: lean / 0.72}[angle]
    left += max(0.0, (width - left - side - (lean if angle == -45 else 0.0)) / 2)
    parts = _cells(labels, rows, left, top, cell)
    parts += _row_labels(labels, left, top, cell)
    parts += _column_labels(labels, left, top, cell, angle=angle)
    parts.append(tag("rect", x=left, y=top, width=side, height=side, class_="frame"))
    parts.append(axes.label("predicted →", left, 10.0, class_="axis"))
    turn = f"translate({left - axes.gutter(labels, most=MAX_ROW_LABEL) - 18.0:.1f} {top:.1f}) rotate(-90)"
    parts.append(tag("text", "← true", transform=turn, text_anchor="end", dy=".35em", class_="axis"))
    return axes.drawing(*parts, width=width, height=top + side + 4.0, title=title, description=_describe(labels, rows))


def is_wide(data: Mapping[str, Any]) -> bool:
    """Whether the picture needs the page's whole width."""
    return len(data["labels"]) > MAX_NARROW


def opacity(share: float) -> float:
    """Return how strongly a share of a row is shaded: its root, so that one error in a hundred is still seen.

    >>> opacity(0.01), opacity(0.25), opacity(1.0)
    (0.1, 0.5, 1.0)
    """
    return round(math.sqrt(share), 3)


def _angle(labels: Sequence[str], cell: float) -> int:
    """Return how column labels are turned: level where they fit, leaning where their lines keep apart."""
    if all(axes.text_width(label) <= cell - 4.0 for label in labels):
        return 0
    return -45 if cell >= _LEANING_PITCH else -90


def _cells(
    labels: Sequence[str], rows: Sequence[Sequence[float]], left: float, top: float, cell: float
) -> list[Markup]:
    """Return the shaded cells: one path for each colour and shade, so that 150 classes stay a small picture."""
    paths: dict[tuple[str, int], list[str]] = {}
    numbers: list[Markup] = []
    for i, row in enumerate(rows):
        total = sum(row)
        for j, count in enumerate(row):
            if not count:
                continue
            x, y, share = left + j * cell, top + i * cell, count / total
            kind = "right" if i == j else "wrong"
            key = (kind, max(1, round(opacity(share) * SHADES)))
            paths.setdefault(key, []).append(f"M{x:.1f} {y:.1f}h{cell:.2f}v{cell:.2f}h-{cell:.2f}z")
            if len(labels) <= MAX_NUMBERS:
                numbers += _number(count, share, (x + cell / 2, y + cell / 2, cell), kind)
    shaded = [
        tag("path", d="".join(path), class_=f"cell {kind}", fill_opacity=shade / SHADES)
        for (kind, shade), path in sorted(paths.items())
    ]
    return [*shaded, *numbers, *_tips(labels, rows, left, top, cell)]


def _tips(
    labels: Sequence[str], rows: Sequence[Sequence[float]], left: float, top: float, cell: float
) -> Iterator[Markup]:
    """Yield invisible cells that tell their counts, the largest only where there are very many."""
    filled = ((-count, i, j) for i, row in enumerate(rows) for j, count in enumerate(row) if count)
    for count, i, j in sorted(filled)[:MAX_TIPS]:
        area = tag("rect", x=left + j * cell, y=top + i * cell, width=cell, height=cell, class_="hit")
        total = sum(rows[i])
        tip = f"{labels[i]} taken for {labels[j]}: {-count:,.0f} of {total:,.0f} ({-count / total:.1%})"
        yield tag("g", area, tag("title", tip))


def _number(count: float, share: float, cell: tuple[float, float, float], kind: str) -> list[Markup]:
    x, y, side = cell
    text = f"{count:,.0f}"
    if axes.text_width(text, _SMALL) > side - 2.0:
        return []
    # Two steps, because the text must change its colour at another shade in the dark than in the light.
    shade = " high" if opacity(share) > 0.8 else " mid" if opacity(share) > 0.65 else ""
    if side < 44.0:
        return [axes.label(text, x, y, anchor="middle", class_=f"count {kind}{shade}")]
    percent = f"{100 * share:.0f} %" if share >= 0.01 else "< 1 %"
    return [
        axes.label(text, x, y - 7.0, anchor="middle", class_=f"count {kind}{shade}"),
        axes.label(percent, x, y + 8.0, anchor="middle", class_=f"share {kind}{shade}"),
    ]


def _row_labels(labels: Sequence[str], left: float, top: float, cell: float) -> list[Markup]:
    return [
        axes.fitted(labels[i], left - 6.0, top + (i + 0.5) * cell, width=MAX_ROW_LABEL, anchor="end")
        for i in range(0, len(labels), _every(cell))
    ]


def _column_labels(labels: Sequence[str], left: float, top: float, cell: float, *, angle: int) -> list[Markup]:
    parts = []
    for j in range(0, len(labels), _every(cell)):
        x, y = left + (j + 0.5) * cell, top - (12.0 if not angle else 6.0)
        text = axes.clip(labels[j], MAX_COLUMN_LABEL - 2.0)
        tip = [tag("title", labels[j])] if text != labels[j] else []
        turn = f"translate({x:.1f} {y:.1f})" + (f" rotate({angle})" if angle else "")
        parts.append(tag("text", text, *tip, transform=turn, text_anchor=None if angle else "middle", dy=".35em"))
    return parts


def _every(cell: float) -> int:
    return max(1, math.ceil(_LABEL_PITCH / cell))


def _describe(labels: Sequence[str], rows: Sequence[Sequence[float]]) -> str:
    total = sum(map(sum, rows))
    right = sum(row[i] for i, row in enumerate(rows))
    wrong = sorted(
        (
            (count, labels[i], labels[j])
            for i, row in enumerate(rows)
            for j, count in enumerate(row)
            if i != j and count
        ),
        key=lambda entry: -entry[0],
    )
    pairs = "; ".join(f"{true} taken for {predicted} {count:,.0f} times" for count, true, predicted in wrong[:5])
    return f"{right:,.0f} of {total:,.0f} rows on the diagonal" + (f"; {pairs}" if pairs else "")
