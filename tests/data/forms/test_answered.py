"""Answers in the forms that people have become spans that hold, or an error that names the row."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import oreline as ore
from oreline.data.forms.answered import with_answers
from oreline.errors import DataError


def test_places_are_found_and_what_was_done_is_told() -> None:
    frame = pl.DataFrame(
        {
            "row_id": [f"f:{row}" for row in range(1, 7)],
            "text_pair": ["born in 1912, in Rome"] * 6,
            "answers": [
                '[{"text": "Rome", "start": 17}]',
                "Rome",
                "in",
                '{"text": ["Rome"], "start": [3]}',
                None,
                '["x", "Rome"]',
            ],
        }
    )
    found, notes = with_answers(frame, "f")
    spans = [json.loads(cell) for cell in found["answers"]]
    assert spans[:5] == [
        [{"text": "Rome", "start": 17}],
        [{"text": "Rome", "start": 17}],
        [{"text": "in", "start": 5}],
        [{"text": "Rome", "start": 17}],
        [],
    ]
    assert spans[5] == [{"text": "Rome", "start": 17}, {"text": "x", "start": None}]
    assert notes.to_list() == [None, "answer_found", "answer_ambiguous", "answer_moved", None, "answer_missing"]
    assert with_answers(found, "f")[0].equals(found)


@pytest.mark.parametrize(
    ("context", "answer", "message"),
    [
        ("born in 1912", "Rome", "'Rome' is not in its context"),
        (" ", "Rome", "the context is empty"),
        (None, "Rome", "the context is empty"),
        ("born in 1912", '[{"text": "1912", "start": "x"}]', "which is no place"),
    ],
)
def test_bad_rows_are_named(context: str | None, answer: str, message: str) -> None:
    schema = {"row_id": pl.String, "text_pair": pl.String, "answers": pl.String}
    frame = pl.DataFrame({"row_id": ["f:7"], "text_pair": [context], "answers": [answer]}, schema=schema)
    with pytest.raises(DataError, match=message) as caught:
        with_answers(frame, "f")
    assert caught.value.where == "f:7"
    assert caught.value.remedy


def test_a_context_is_refined_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "qa.jsonl"
    rows = [
        {
            "question": "When &amp; where?",
            "context": "  In\t1912, &amp; in Rome ",
            "answers": [{"text": "1912", "answer_start": 5}],
        },
        {"question": "Who?", "context": "Nobody  says", "answers": []},
        {"question": "Who?", "context": "Nobody  says", "answers": []},
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    data = ore.refine(file, roles={"text": "question", "text_pair": "context"}, split={}, out=tmp_path / "data")
    frame = data.frame("all")
    assert frame["text"].to_list() == ["When & where?", "Who?"]
    assert frame["text_pair"][0] == rows[0]["context"]
    assert frame["answers"].to_list() == ['[{"text": "1912", "start": 5}]', "[]"]
