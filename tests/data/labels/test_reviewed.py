"""A review carried out in a refinery, and refused where the data are not those that it is about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline.data.dataset import Dataset
from oreline.data.labels.review import row_mark
from oreline.data.refine import refine
from oreline.errors import DataError

ROWS = {"text": ["退款", "refund", "快递", "parcel", "where"], "label": ["钱", "钱", "钱", "物流", "物流"]}


def review(folder: Path, *decisions: tuple[int, str], **changed: Any) -> Path:
    """A file of decisions about rows of ROWS, by their place."""
    file = folder / "decided.jsonl"
    lines = []
    for row, decision in decisions:
        entry = {
            "row_id": f"data:{row + 1}", "decision": decision, "suggested": "物流",
            "hash": row_mark(ROWS["text"][row], ROWS["label"][row]),
        }  # fmt: skip
        lines.append(json.dumps({**entry, **changed}, ensure_ascii=False))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def applied(folder: Path, file: Path, source: Any = None, **more: Any) -> Dataset:
    return refine(source or ROWS, operators=[], split={}, review=file, out=folder / "out", **more)


def test_rows_are_dropped_relabelled_and_kept(tmp_path: Path) -> None:
    data = applied(tmp_path, review(tmp_path, (0, "keep"), (1, "drop"), (2, "label"), (3, "label=钱"), (4, "")))
    assert data.frame("all").select("text", "label").rows() == [
        ("退款", "钱"), ("快递", "物流"), ("parcel", "钱"), ("where", "物流"),
    ]  # fmt: skip
    assert data.ledger().select("row_id", "operator", "action", "reason").rows() == [
        ("data:2", "review", "dropped", "reviewed"),
        ("data:3", "review", "changed", "relabelled"),
        ("data:4", "review", "changed", "relabelled"),
    ]


def test_rows_of_given_splits_are_found_wherever_they_are(tmp_path: Path) -> None:
    first = refine(ROWS, operators=[], split={"train": 0.6, "test": 0.4}, out=tmp_path / "first")
    file = review(tmp_path, (0, "drop"), (4, "drop"))
    data = applied(tmp_path, file, first)
    assert sorted(data.splits) == ["test", "train"]
    assert sum(data.manifest.splits.values()) == 3


@pytest.mark.parametrize(
    ("decisions", "changed", "what"),
    [
        ([(0, "drop")], {"row_id": "data:77"}, "no row 'data:77'"),
        ([(0, "keep")], {"hash": "0123456789abcdef"}, "data:1 has changed since"),
        ([(0, "label=物留")], {}, "no row has the label '物留'"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(
    tmp_path: Path, decisions: list[tuple[int, str]], changed: dict[str, str], what: str
) -> None:
    with pytest.raises(DataError, match=what) as found:
        applied(tmp_path, review(tmp_path, *decisions, **changed))
    assert found.value.where.endswith("decided.jsonl, line 1")
    if "hash" in changed or "row_id" in changed:
        assert "same operators" in found.value.remedy, "other operators before it are the usual reason"
    assert not (tmp_path / "out").exists()


def test_a_nearest_label_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(DataError) as found:
        applied(tmp_path, review(tmp_path, (0, "label=物流部")))
    assert "did you mean '物流'" in found.value.allowed


def test_a_row_without_a_label_that_gets_one_joins_train(tmp_path: Path) -> None:
    """Even of a class that no row has yet."""
    source = {"text": ["a b", "b c", "c d", "d e"], "label": ["x", "y", None, None]}
    first = refine(source, operators=[], split={"train": 1.0}, keep_unlabelled=True, out=tmp_path / "first")
    assert first.manifest.splits == {"train": 2, "unlabelled": 2}
    entry = {"row_id": "data:3", "decision": "label=z", "hash": row_mark("c d", None)}
    file = tmp_path / "labelled.jsonl"
    file.write_text(json.dumps(entry) + "\n")
    data = applied(tmp_path, file, first)
    assert data.frame("train")["label"].to_list() == ["x", "y", "z"]
    assert data.frame("unlabelled").select("row_id", "label").rows() == [("data:4", None)]
    assert data.ledger().rows() == [("data:3", "review", "changed", "labelled", None, None)]


def test_texts_without_any_labels_become_a_labelled_set(tmp_path: Path) -> None:
    first = refine({"text": ["a b", "b c", "c d"]}, operators=[], split={}, out=tmp_path / "first")
    entry = {"row_id": "data:2", "decision": "label=z", "hash": row_mark("b c", None)}
    (tmp_path / "l.jsonl").write_text(json.dumps(entry) + "\n")
    data = applied(tmp_path, tmp_path / "l.jsonl", first)
    assert data.manifest.splits == {"all": 1, "unlabelled": 2}
    assert data.manifest.roles["label"] == "label"


def test_a_review_stands_before_the_operator_that_judges_labels(tmp_path: Path) -> None:
    class Judge:
        spares_test = False
        seen: pl.Series | None = None

        def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
            self.seen = frame["label"]
            return frame

    judge = Judge()
    refine(
        ROWS, operators=[("judge", judge)], split={}, review=review(tmp_path, (2, "label=物流")), out=tmp_path / "out"
    )
    assert judge.seen is not None
    assert judge.seen.to_list().count("物流") == 3
