"""The verb that uses two models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import oreline as ore
from oreline.errors import DataError


def test_texts_and_rows_are_answered_in_order(triple_models: Any) -> None:
    one, other = ore.triples(*triple_models, ["the great with dull", "nothing"])
    assert [found["relation"] for found in one["triples"]] == ["works_for"]
    assert (one["id"], other["id"], other["triples"]) == (1, 2, [])
    assert json.loads(json.dumps(one)) == one
    assert ore.triples(*triple_models, [{"id": "x", "text": "nothing"}])[0]["id"] == "x"
    with pytest.raises(DataError, match="no text"):
        ore.triples(*triple_models, [{"txt": "nothing"}])


def test_scores_and_a_report_that_is_written(triple_models: Any, tmp_path: Path) -> None:
    row = {
        "text": "the great of dull",
        "triples": [{"head": [4, 9, "PER"], "relation": "owns", "tail": [13, 17, "ORG"]}],
    }
    report = ore.evaluate_triples(*triple_models, [row], out=tmp_path / "report")
    assert report.metrics["triple_f1"].value == 1
    assert report.metrics["triple_f1"].low < 1
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "Where errors come from" in page
