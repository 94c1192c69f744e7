"""Rows that belong into one split."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from oreline.data.duplicates.together import Together, check_ways, gap_us, template
from oreline.data.external.sorting import decoded
from oreline.errors import UsageError

LONG = "one of the finest films of this year and a very warm one at that"
ZH = "这部电影的摄影和配乐都非常出色，演员的表演也很自然"


def codes(texts: list[str], ways: list[str], **shares: float) -> tuple[list[int], list[str]]:
    found = Together(ways)
    for text in texts:
        found.add(pl.DataFrame({"row_id": ["a:1"], "text": [text]}))
    clusters, alarms = found.clusters(shares or {"train": 0.5, "test": 0.5})
    roots = list(range(len(texts)))
    for block in clusters.blocks():
        for first, row in zip(*(part.tolist() for part in decoded(block))):
            roots[row] = first
    return roots, alarms


def test_near_texts_share_a_code() -> None:
    texts = [LONG, ZH, f"{LONG} too", f"{ZH}啊", *(f"text {n} of its own {n * n}" for n in range(8))]
    found, alarms = codes(texts, ["near"])
    assert found[0] == found[2]
    assert found[1] == found[3]
    assert len(set(found)) == len(texts) - 2
    assert alarms == []


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Order 12 of [Anna Li] shipped, see https://a.b/c?d=1", "order 7,400 of [Bo] shipped, see www.x.y", True),
        (
            "订单１２３已发货，收件人【张三】，详见http://a.cn/1，谢谢",
            "订单45已发货，收件人【李四】，详见http://b.cn，谢谢",
            True,
        ),
        ("《红高粱》很好看", "《霸王别姬》很好看", True),
        ("order 12 shipped", "order 12 cancelled", False),
        ("他很好", "她很好", False),
    ],
)
def test_texts_of_one_template(first: str, second: str, same: bool) -> None:
    frame = pl.DataFrame({"text": [first, second]})
    assert (frame.select(template(["text"])).to_series().n_unique() == 1) == same


def test_both_ways_are_joined() -> None:
    """The first is near the second, and of one template with the third."""
    found, _ = codes([f"{LONG} 1", f"{LONG} 1 too", LONG + " 22", "x", "y"], ["near", "template"])
    assert found[0] == found[1] == found[2]
    assert len(set(found)) == 3


def test_without_a_way_or_rows_there_is_nothing_to_say() -> None:
    for ways in ([], ["near", "template"]):
        clusters, alarms = Together(ways).clusters({"a": 1.0})
        assert (len(clusters), alarms) == (0, [])


def test_a_cluster_that_would_decide_the_splits_is_placed_row_by_row() -> None:
    texts = [f"order {n}" for n in range(30)] + [f"unlike {chr(97 + n)}" for n in range(26)]
    found, [alarm] = codes(texts, ["template"], train=0.8, test=0.2)
    assert len(set(found)) == len(texts)
    assert "30 rows belong together in clusters (30 in the largest)" in alarm


@pytest.mark.parametrize(("gap", "hours"), [("30m", 0.5), ("12h", 12), ("7d", 168), ("2w", 336), (None, 0)])
def test_gaps(gap: str | None, hours: float) -> None:
    assert gap_us(gap) == hours * 3600 * 1_000_000


@pytest.mark.parametrize("gap", ["", "d", "7", "-1d", "1.5d", "7 d", "1y"])
def test_wrong_gaps(gap: Any) -> None:
    with pytest.raises(UsageError, match="the gap is"):
        gap_us(gap)


def test_an_unknown_way() -> None:
    with pytest.raises(UsageError, match="rows cannot be kept together by 'nere'") as caught:
        check_ways(["near", "nere"])
    assert "did you mean 'near'" in caught.value.allowed
