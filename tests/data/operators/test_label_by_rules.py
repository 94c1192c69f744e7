"""Rules that label rows in a refinery."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline import registry
from oreline.data.dataset import Dataset
from oreline.data.operators.label_by_rules import Operator
from oreline.data.refine import refine
from oreline.errors import DataError, UsageError
from oreline.report.report import Table

RULES = [
    {"label": "钱", "keywords": ["退款", "refund"]},
    {"label": "钱", "pattern": "钱|money"},
    {"label": "物流", "keywords": ["快递", "parcel"], "name": "parcels"},
]
TEXTS = ["请退款", "退钱", "快递呢", "快递退款", "你好", "refund my money", "parcel?", "退款退钱快递"]


def refined(folder: Path, source: Any, *, split: dict[str, float] | None = None, **options: Any) -> Dataset:
    chain = [("label_by_rules", Operator(**{"rules": RULES, **options}))]
    return refine(source, operators=chain, split=split or {}, out=folder / "data")  # type: ignore[arg-type]


def rules_table(data: Dataset) -> Table:
    """What the report says about the rules."""
    return next(table for table in data.report().tables if table.title == "Rules")


def test_rows_get_a_label_and_a_weight_and_the_rest_is_unlabelled(tmp_path: Path) -> None:
    data = refined(tmp_path, {"text": TEXTS}, combine="majority")
    assert data.manifest.splits == {"all": 6, "unlabelled": 2}
    assert data.frame("all").select("text", "label", "weight").rows() == [
        ("请退款", "钱", 1.0), ("退钱", "钱", 1.0), ("快递呢", "物流", 1.0), ("refund my money", "钱", 1.0),
        ("parcel?", "物流", 1.0), ("退款退钱快递", "钱", 0.6667),
    ]  # fmt: skip
    assert data.frame("unlabelled")["text"].to_list() == ["快递退款", "你好"], "a tie, and no vote"
    assert data.manifest.roles["label"] == "label"
    assert set(data.ledger()["reason"]) == {"labelled"}
    rules = rules_table(data)
    assert [row[:4] for row in rules.rows] == [
        ["1: 钱", 0.5, 0.375, 0.25], ["2: 钱", 0.375, 0.25, 0.125], ["parcels", 0.5, 0.25, 0.25],
    ]  # fmt: skip
    assert "7 of 8 rows have a vote" in rules.note


def test_labelled_rows_keep_theirs_and_say_which_way_is_better(tmp_path: Path) -> None:
    source = {"text": TEXTS * 3, "label": [None] * 8 + ["钱", "钱", "物流", "物流", "钱", "钱", "物流", "物流"] * 2}
    data = refined(tmp_path, source)
    frame = pl.concat([data.frame("all"), data.frame("unlabelled")])
    own = frame.filter(pl.col("row_id").is_in([f"data:{n}" for n in range(9, 25)]))
    assert own["label"].to_list() == source["label"][8:]
    assert set(own["weight"]) == {1.0}
    note = rules_table(data).note
    assert "Accuracy on 14 labelled ones: majority 0.7143" in note
    assert rules_table(data).rows[2][5:] == [1.0, 8]


def test_the_label_model_beats_the_majority_where_rules_repeat_each_other(tmp_path: Path) -> None:
    """Two rules of one kind outvote a good one in the majority's count alone."""
    texts = [f"退款 {n}" for n in range(40)] + [f"快递 {n}" for n in range(40)] + [f"快递 谢谢 {n}" for n in range(12)]
    labels = [None] * 80 + ["物流"] * 12
    rules = [
        {"label": "钱", "keywords": ["退款"]},
        {"label": "物流", "keywords": ["快递"]},
        {"label": "钱", "keywords": ["谢谢"], "name": "a"},
        {"label": "钱", "pattern": "谢", "name": "b"},
    ]
    chosen = rules_table(refined(tmp_path, {"text": texts, "label": labels}, rules=rules)).note
    assert "counted by" in chosen
    scores = {name: float(chosen.split(f"{name} ")[-1].split(",")[0].rstrip(".")) for name in ("majority",)}
    assert scores["majority"] == 0.0


def test_a_label_must_be_probable_enough(tmp_path: Path) -> None:
    data = refined(tmp_path, {"text": TEXTS}, combine="majority", min_probability=0.7)
    assert data.manifest.splits == {"all": 5, "unlabelled": 3}


def test_labelled_rows_are_split_and_the_others_are_not(tmp_path: Path) -> None:
    source = {
        "text": [f"退款 {n}" for n in range(30)] + [f"快递 {n}" for n in range(30)] + [f"x {n}" for n in range(40)]
    }
    data = refined(tmp_path, source, split={"train": 0.8, "test": 0.2}, combine="majority")
    assert data.manifest.splits == {"train": 48, "test": 12, "unlabelled": 40}
    assert sorted(data.frame("test")["label"].value_counts()["count"]) == [6, 6]


def test_python_functions_vote_through_the_api_alone(tmp_path: Path) -> None:
    def asks(row: dict[str, Any]) -> str | None:
        return "问" if row["text"].endswith("?") else None

    operator = registry.create("operator", "label_by_rules", functions=[asks])
    data = refine({"text": TEXTS}, operators=[("rules", operator)], split={}, out=tmp_path / "data")
    assert data.frame("all")["label"].to_list() == ["问"]
    assert rules_table(data).rows[0][0] == "asks"
    with pytest.raises(UsageError, match="functions"):
        registry.create("operator", "label_by_rules", functions=["os.system"])


class Model:
    def predict(self, texts: list[str]) -> pl.DataFrame:
        return pl.DataFrame({"label": ["钱"] * len(texts), "scores": [{"钱": 0.9}] * len(texts)})


def test_a_model_votes() -> None:
    operator = Operator(rules=[{"model": "runs/old", "name": "old"}])
    assert operator.models == {"old": "runs/old"}
    operator.bind({"old": Model()})
    frame = pl.DataFrame({"row_id": ["a:1"], "text": ["x"]})
    operator.learnt(operator.fit(frame.lazy()))
    assert operator.edit(frame)["label"].to_list() == ["钱"]


def test_what_cannot_work_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rule votes"):
        refined(tmp_path, {"text": ["hm", "hmm"]})
    with pytest.raises(DataError, match="do not name the same labels"):
        refined(tmp_path, {"text": TEXTS}, balance={"钱": 0.5, "空": 0.5})
    for options in ({"min_probability": 2}, {"combine": "best"}, {"balance": {"a": 0.2}}):
        with pytest.raises(UsageError, match="label_by_rules"):
            Operator(**options)  # type: ignore[arg-type]


def test_a_known_balance_is_used(tmp_path: Path) -> None:
    data = refined(tmp_path, {"text": TEXTS}, combine="label_model", balance={"钱": 0.01, "物流": 0.99})
    assert data.frame("all").filter(pl.col("text") == "快递退款")["label"].to_list() == ["物流"]


def test_what_is_probably_a_slip_is_said(tmp_path: Path) -> None:
    rows = {"text": [*TEXTS, "退款 again"], "label": [None] * len(TEXTS) + ["钱"]}
    idle = {"label": "钱", "keywords": ["zebra"], "name": "never"}
    said = refined(tmp_path, rows, rules=[*RULES, idle]).report().warnings
    assert "label_by_rules: no row has a vote of 'never'" in said
    assert any("give '物流', which no row that has a label bears (known: 钱)" in line for line in said)
    said = refined(tmp_path / "unlabelled", {"text": TEXTS}).report().warnings
    assert not any("label_by_rules" in line for line in said)


def test_a_function_that_fails_is_named_with_its_row(tmp_path: Path) -> None:
    def money(row: dict[str, Any]) -> str | None:
        return "钱" if row["titel"] else None

    with pytest.raises(DataError, match="'money' failed: KeyError: 'titel'") as raised:
        refined(tmp_path, {"text": TEXTS}, rules=(), functions=[money])
    assert raised.value.where == "data:1"
    assert "text" in str(raised.value.allowed)
