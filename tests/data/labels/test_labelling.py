"""Labelling by hand: decisions, undo, skip, resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oreline.data.labels.labelling import Session
from oreline.data.labels.review import read_decisions, row_mark
from oreline.errors import DataError


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Four rows to label; the last one is in doubt."""
    lines: list[dict[str, Any]] = [
        {"row_id": f"a:{n}", "text": text, "label": None, "arm": "random", "decision": "", "hash": row_mark(text, None)}
        for n, text in enumerate(["退款", "快递", "where"], start=1)
    ]
    lines.append(
        {"row_id": "a:4", "text": "hm", "label": "钱", "suggested": "物流", "decision": "", "hash": row_mark("hm", "钱"),
         "neighbours": [{"label": "other"}]}
    )  # fmt: skip
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return file


def test_decisions_are_rows_and_a_review(rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    session = Session(rows, out, ["钱"])
    assert session.labels == ["钱", "other", "物流"], "given ones first"
    session.decide("label", "钱")
    session.decide("drop")
    session.decide("label", "新")
    session.decide("keep")
    assert session.entry is None
    assert (session.num_done, session.num_open) == (4, 0)
    assert "新" in session.labels
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [line["label"] for line in found] == ["钱", None, "新", "钱"]
    assert found[0] == {
        "row_id": "a:1", "text": "退款", "arm": "random", "hash": row_mark("退款", None), "label": "钱", "decision": "label=钱",
    }  # fmt: skip
    assert [decision.what for decision in read_decisions(out).by_row.values()] == ["label", "drop", "label", "keep"]
    with pytest.raises(DataError, match="every row is decided"):
        session.decide("drop")


def test_skipped_rows_come_back_at_the_end_and_steps_can_be_undone(rows: Path, tmp_path: Path) -> None:
    session = Session(rows, tmp_path / "out.jsonl")
    assert not session.undo()
    session.skip()
    assert session.entry is not None
    assert session.entry["row_id"] == "a:2"
    session.decide("label", "x")
    assert session.undo()
    assert session.entry["row_id"] == "a:2"
    assert (tmp_path / "out.jsonl").read_text() == ""
    assert session.undo()
    assert session.entry["row_id"] == "a:1"
    session.skip()
    for _ in range(3):
        session.decide("drop")
    assert session.entry["row_id"] == "a:1"


def test_it_goes_on_where_it_was_left_even_after_a_crash_in_a_line(rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    Session(rows, out).decide("label", "钱")
    with out.open("a", encoding="utf-8") as stream:
        stream.write('{"row_id": "a:2", "la')
    session = Session(rows, out)
    assert session.entry is not None
    assert session.entry["row_id"] == "a:2"
    assert "钱" in session.labels
    session.decide("drop")
    assert len(read_decisions(out).by_row) == 2


def test_labels_are_found_by_number_name_and_part(rows: Path, tmp_path: Path) -> None:
    session = Session(rows, tmp_path / "o", ["Order", "Refund order", "2"])
    assert session.labels == ["Order", "Refund order", "2", "other", "物流", "钱"]
    assert session.matching("2") == ["2"], "a name goes before a number"
    assert session.matching("1") == ["Order"]
    assert session.matching("99") == []
    assert session.matching("order") == ["Order", "Refund order"]
    assert session.matching("物") == ["物流"]


def test_what_does_not_fit_is_refused(rows: Path, tmp_path: Path) -> None:
    session = Session(rows, tmp_path / "o")
    with pytest.raises(DataError, match="no label that could be kept"):
        session.decide("keep")
    (tmp_path / "other.jsonl").write_text('{"row_id": "b:1"}\n')
    with pytest.raises(DataError, match="none of the rows to label") as found:
        Session(rows, tmp_path / "other.jsonl")
    assert found.value.where.endswith("other.jsonl, line 1")
    with pytest.raises(DataError, match="no text"):
        Session(tmp_path / "other.jsonl", tmp_path / "o")
    rows.write_text(rows.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(DataError, match="stands on line 1 too"):
        Session(rows, tmp_path / "o")
