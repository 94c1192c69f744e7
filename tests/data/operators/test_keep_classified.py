"""A classifier of the user's own good and bad rows, or a model's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline.data.operators.keep_classified import Operator
from oreline.errors import DataError, UsageError

GOOD = [f"这本书写得很好，第{n}章最精彩。" for n in range(12)] + [f"A careful account of case {n}." for n in range(12)]
BAD = [f"加微信领红包{n}！！！点击链接" for n in range(12)] + [f"CLICK HERE {n} to win $$$" for n in range(12)]
FRAME = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["一本很好的书，章章精彩。", "点击链接领红包！！！"]})


class Model:
    """Answers as a bound model does."""

    def predict(self, texts: list[str]) -> pl.DataFrame:
        return pl.DataFrame({"label": ["bad"] * len(texts), "scores": [{"good": 0.25, "bad": 0.75}] * len(texts)})


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    for name, texts in (("good", [*GOOD, "both"]), ("bad", [*BAD, "Both ", BAD[0]])):
        pl.DataFrame({"body": texts}).write_csv(tmp_path / f"{name}.csv")
    return {name: str(tmp_path / f"{name}.csv") for name in ("good", "bad")}


def test_trained_once_and_handed_on_as_json(files: dict[str, Any]):
    first = Operator(**files, examples_column="body")
    learnt = json.loads(json.dumps(first.fit(FRAME.lazy())))
    other = Operator(**files, examples_column="body")
    other.learnt(learnt)
    reasons = other.keep(FRAME).to_list()
    assert reasons[0] is None
    assert reasons[1].startswith("classified: below 0.")
    row = dict(
        zip(*(other.findings()["tables"][0][part] for part in ("columns",)), other.findings()["tables"][0]["rows"][0])
    )
    assert (row["good rows"], row["bad rows"], row["in both, left out"]) == (24, 24, 1)
    assert row["precision"] >= 0.9


def test_a_model_of_the_users():
    operator = Operator(model="folder", labels=["good"], min_score=0.5)
    assert operator.models == {"classifier": "folder"}
    assert operator.fit(FRAME.lazy()) == {}
    operator.learnt({})
    with pytest.raises(UsageError, match="no model bound"):
        operator.keep(FRAME)
    operator.bind({"classifier": Model()})
    assert operator.keep(FRAME).to_list() == ["classified: below 0.3"] * 2
    unknown = Operator(model="folder", labels=["fine"])
    unknown.bind({"classifier": Model()})
    with pytest.raises(DataError, match="no class 'fine'"):
        unknown.keep(FRAME)


@pytest.mark.parametrize(
    "options", [{}, {"good": "a"}, {"model": "m"}, {"good": "a", "bad": "b", "model": "m", "labels": ["x"]}]
)
def test_one_of_the_two(options: dict[str, Any]):
    with pytest.raises(UsageError, match="needs good and bad rows, or a model"):
        Operator(**options)


def test_drop_false_only_notes(files: dict[str, Any]):
    assert Operator(**files, drop=False).reports_only
    assert not Operator(**files).reports_only
