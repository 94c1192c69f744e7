"""Frames of rows."""

from __future__ import annotations

import json

import polars as pl

from oreline.data.pii.actions import Substitutes
from oreline.data.pii.kinds import kinds_of
from oreline.data.pii.rows import replaced

KINDS = kinds_of(["mobile", "email"])
MASKS = Substitutes(KINDS, {"mobile": "mask", "email": "drop"}, key=None, language="auto", reversible=False)


def test_every_column_of_every_kind() -> None:
    dialogue = json.dumps(
        [
            {"role": "user", "content": "打13812345678"},
            {"role": "assistant", "content": "好"},
            {"role": "user", "content": "x@y.cn"},
        ]
    )
    frame = pl.DataFrame(
        {
            "row_id": ["a:1", "a:2", "a:3", "a:4"],
            "text": [dialogue, "纯文本13912345678", None, "nothing"],
            "target_text": ["13712345678", None, "", "[1] list"],
            "number": [1, 2, 3, 4],
        }
    )
    made, found = replaced(frame, ["text", "target_text", "number", "absent"], KINDS, MASKS)
    assert json.loads(made["text"][0])[0]["content"] == "打[手机号]"
    assert made["text"].to_list()[1:] == ["纯文本[手机号]", None, "nothing"]
    assert made["target_text"].to_list() == ["[PHONE]", None, "", "[1] list"]
    assert found.reasons(["mask"], 4).to_list() == ["mobile", "mobile", None, None]
    assert found.reasons(["drop"], 4).to_list() == ["email", None, None, None]
    spans = json.loads(found.spans(4)[0])
    assert [(span["column"], span["part"], span["kind"]) for span in spans] == [
        ("text", 0, "mobile"),
        ("text", 2, "email"),
        ("target_text", None, "mobile"),
    ]
    assert "13812345678" not in found.spans(4)[0]


def test_a_frame_without_finds_is_the_same() -> None:
    frame = pl.DataFrame({"row_id": ["a:1"], "text": ["nothing"]})
    made, found = replaced(frame, ["text"], KINDS, MASKS)
    assert made.equals(frame)
    assert found.spans(1).to_list() == [None]
    assert found.reasons(["mask"], 1).dtype == pl.String


def test_tagged_rows_keep_their_number_of_words() -> None:
    frame = pl.DataFrame({"row_id": ["a:1"], "text": ['["Call", "13812345678"]'], "tags": ['["O", "B-X"]']})
    made, _ = replaced(frame, ["text"], KINDS, MASKS)
    assert json.loads(made["text"][0]) == ["Call", "[PHONE]"]
