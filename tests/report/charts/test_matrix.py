"""The confusion matrix: shades are row shares, and 150 classes stay readable and small."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pytest

from oreline.report.charts import matrix

NAMES = [
    f"intent_{i:03d}_{word}" for i, word in zip(range(150), ["lost_or_stolen_phone", "退款", "a"] * 50, strict=True)
]


def counts(num_classes: int, *, density: float = 0.3) -> list[list[int]]:
    source = np.random.default_rng(num_classes)
    values = source.integers(1, 3000, (num_classes, num_classes)) * (source.random((num_classes,) * 2) < density)
    return [[int(value) for value in row] for row in values]


@pytest.mark.parametrize("num_classes", [1, 2, 3, 5, 8, 12, 13, 24, 25, 77, 150])
@pytest.mark.parametrize("names", [NAMES, [str(i) for i in range(150)], ["与产品无关的讨论"] * 150])
def test_text_does_not_overlap(num_classes: int, names, assert_readable) -> None:
    assert_readable(matrix.draw({"labels": names[:num_classes], "values": counts(num_classes)}, "t"))


@pytest.mark.parametrize("num_classes", [12, 20, 77, 150])
def test_turned_labels_keep_apart(num_classes: int, parse) -> None:
    root = parse(matrix.draw({"labels": NAMES[:num_classes], "values": counts(num_classes)}, "t"))
    turned = [
        re.match(r"translate\((\S+) \S+\) rotate\((-\d+)\)", t.attributes.get("transform") or "")
        for t in root.all("text")
    ]
    places = sorted((float(found[1]), int(found[2])) for found in turned if found)[1:]  # the first names the axis
    assert len(places) > 10
    for (x, angle), (following, _) in itertools.pairwise(places):
        assert (following - x) * math.sin(math.radians(-angle)) >= 10.0


def test_shades_are_the_roots_of_row_shares(parse) -> None:
    values = [[75, 25, 0], [0, 10, 0], [1, 0, 99]]
    root = parse(matrix.draw({"labels": ["a", "b", "c"], "values": values}, "t"))
    drawn = {}
    for path in root.all("path"):
        kind = path.attributes["class"].removeprefix("cell ")
        for x, y in re.findall(r"M([\d.]+) ([\d.]+)", path.attributes["d"]):
            drawn[float(x), float(y)] = (kind, float(path.attributes["fill-opacity"]))
    columns, rows = (sorted({place[axis] for place in drawn}) for axis in (0, 1))
    assert len(drawn) == 5
    for (x, y), (kind, opacity) in drawn.items():
        i, j = rows.index(y), columns.index(x)
        share = values[i][j] / sum(values[i])
        assert opacity == pytest.approx(math.sqrt(share), abs=0.5 / matrix.SHADES + 1e-9)
        assert kind == ("right" if i == j else "wrong")


def test_counts_are_written_and_told(parse) -> None:
    root = parse(matrix.draw({"labels": ["fresh", "rotten"], "values": [[812, 118], [0, 48100]]}, "t"))
    texts = [text.text for text in root.all("text")]
    assert {"812", "87 %", "118", "13 %", "48,100", "100 %"} <= set(texts)
    assert "0" not in texts
    assert "fresh taken for rotten: 118 of 930 (12.7%)" in [tip.text for tip in root.all("title")]
    assert "48,912 of 49,030 rows on the diagonal" in root.all("desc")[0].text


def test_a_full_matrix_of_150_classes_is_small() -> None:
    assert len(matrix.draw({"labels": NAMES, "values": counts(150, density=1.0)}, "t")) < 1_000_000


def test_a_class_without_rows_is_blank(parse) -> None:
    root = parse(matrix.draw({"labels": ["a", "b"], "values": [[0, 0], [0, 0]]}, "t"))
    assert not root.all("path")
