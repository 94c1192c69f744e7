"""Rows whose texts are nearly the same."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from oreline.data.operators.dedup_near import Operator
from oreline.data.running.steps import named_by
from oreline.errors import UsageError

EN = "one of the finest films of this year and a very warm one at that"
ZH = "这部电影的摄影和配乐都非常出色，演员的表演也很自然"


def dropped(rows: list[tuple[Any, ...]], columns: list[str], **options: Any) -> list[tuple[Any, ...]]:
    frame = pl.DataFrame(rows, columns, orient="row").with_columns(
        row_id=pl.format("a:{}", pl.int_range(1, pl.len() + 1))
    )
    operator = Operator(**options)
    found = pl.concat(named_by(operator.whole(frame.lazy())))
    signed = pl.concat(named_by(operator.whole(frame.lazy(), operator.signatures(frame).lazy())))
    assert found.equals(signed)
    assert (found["reason"] == "near_duplicate").all()
    return found.select("row_id", "kept_id", pl.col("similarity").round(3)).rows()


@pytest.mark.parametrize(("text", "more", "similarity"), [(EN, " too", 0.933), (ZH, "啊", 0.958)], ids=["en", "zh"])
def test_the_longest_stays(text: str, more: str, similarity: float) -> None:
    rows = [(text,), (f"{text}{more}",), ("quite another",), (text.upper(),)]
    assert dropped(rows, ["text"]) == [("a:1", "a:2", similarity), ("a:4", "a:2", similarity)]
    assert [line[:2] for line in dropped(rows, ["text"], keep="first")] == [("a:2", "a:1"), ("a:4", "a:1")]


def test_the_newest_or_the_highest_stays() -> None:
    rows = [(EN, datetime(2026, 1, day), value) for day, value in ((1, 0.5), (3, None), (2, 0.9))]
    columns = ["text", "time", "weight"]
    assert [line[1] for line in dropped(rows, columns, keep="newest")] == ["a:2", "a:2"]
    assert [line[1] for line in dropped(rows, columns, keep="highest")] == ["a:3", "a:3"]
    with pytest.raises(UsageError, match="keep is highest, and the rows have no column 'score'"):
        dropped(rows, columns, keep="highest", column="score")


def test_clusters_with_different_labels_are_left_alone_and_counted() -> None:
    rows = [(EN, "1"), (f"{EN} too", "0"), (f"{EN}!", "1"), (ZH, "1"), (f"{ZH}啊", "1")]
    assert [line[0] for line in dropped(rows, ["text", "label"])] == ["a:4"]
    operator = Operator()
    frame = pl.DataFrame(rows, ["text", "label"], orient="row").with_columns(
        row_id=pl.format("a:{}", pl.int_range(pl.len()))
    )
    list(operator.whole(frame.lazy()))
    found = operator.findings()
    assert found["counts"]["rows left because labels differ in their cluster"] == 3
    assert found["counts"]["clusters"] == 1


def test_pairs_of_texts_are_compared_as_pairs() -> None:
    assert dropped([("a b c", "d e"), ("a b c", "x y z")], ["text", "text_pair"]) == []


def test_the_shingle_and_the_threshold_can_be_set() -> None:
    rows = [("a b c d e f g h",), ("a b c d e f g x",)]
    assert dropped(rows, ["text"]) == []
    assert dropped(rows, ["text"], shingle=1, threshold=0.7) == [("a:2", "a:1", 0.778)]


def test_a_blow_up_and_a_greedy_source_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oreline.data.operators.dedup_near._MANY", 5)
    texts = [f"{EN} {word}" for word in "abcdefgh"] + [f"quite another text, number {n}, {n * n}" for n in range(3)]
    ids = [*[f"mirror.csv:{n}" for n in range(1, 9)], *[f"own.csv:{n}" for n in range(1, 4)]]
    operator = Operator()
    list(operator.whole(pl.LazyFrame({"row_id": ids, "text": texts})))
    alarms = operator.findings()["alarms"]
    assert any("8 rows are one cluster" in alarm for alarm in alarms)
    assert any(alarm.startswith("7 of the 8 rows of mirror.csv (87.5%) went as near-duplicates") for alarm in alarms)


@pytest.mark.parametrize("options", [{"threshold": 0}, {"threshold": 1.5}, {"shingle": 0}])
def test_impossible_options(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="dedup_near: "):
        Operator(**options)


def test_calibration_is_the_similarity_to_the_nearest_row_before() -> None:
    """Against every pair by hand: Jaccard of pairs of words, from one half on."""
    rng = np.random.default_rng(0)
    words = [f"word{n}" for n in range(200)]
    bases = [list(rng.choice(words, 20, replace=False)) for _ in range(15)]
    texts = []
    for base in bases:
        texts.append(" ".join(base))
        for changed in (1, 3, 6):
            other = list(base)
            for place in rng.choice(20, changed, replace=False):
                other[place] = "other"
            texts.append(" ".join(other))
    found = Operator(threshold=0.8).calibration(pl.DataFrame({"text": texts}))
    pairs = [{tuple(text.split()[at : at + 2]) for at in range(19)} for text in texts]
    missed = 0
    for row, value in enumerate(found.values["similarity"].to_list()):
        nearest = max((len(pairs[row] & other) / len(pairs[row] | other) for other in pairs[:row]), default=0.0)
        if value is not None:
            assert value == pytest.approx(nearest)
        else:
            missed += nearest >= 0.5
    assert missed <= 1, "bands find 99.7 % of the pairs at the threshold"
    assert found.values["similarity"].drop_nulls().min() >= 0.5
    (bound,) = found.bounds["all"]
    assert (bound.option, bound.value) == ("threshold", 0.8)


def test_no_rows_are_no_duplicates() -> None:
    empty = pl.LazyFrame(schema={"row_id": pl.String, "text": pl.String})
    operator = Operator()
    assert list(operator.whole(empty)) == []
    assert operator.findings()["counts"]["clusters"] == 0
