"""Dialogues through refine: every form in, one form out, faults named with their rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline.api.names import DEFAULT_OPERATORS, plugs
from oreline.data.forms.dialogues import dialogue_rows, found_columns, refuse_broken
from oreline.data.refine import refine
from oreline.dialogue import messages_of
from oreline.errors import DataError

CODE = "def f():\n    return  '&quot;'"


def refined(rows: Any, out: Path, operators: tuple[str, ...] = DEFAULT_OPERATORS) -> pl.DataFrame:
    """All rows of a refined source."""
    return refine(rows, operators=plugs("operator", operators), split={}, out=out).frame("all")


def openai(*turns: tuple[str, str]) -> dict[str, Any]:
    """A row in OpenAI's form."""
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


GOOD = openai(("system", "Be brief."), ("user", "Hello"), ("assistant", "Hi!"), ("user", "Bye"), ("assistant", CODE))


@pytest.mark.parametrize("as_file", [False, True])
@pytest.mark.parametrize(
    "row",
    [
        GOOD,
        {"conversations": [{"from": "human" if m["role"] == "user" else m["role"], "value": m["content"]} for m in GOOD["messages"]]},
        {"system": "Be brief.", "messages": GOOD["messages"][1:]},
    ],
)  # fmt: skip
def test_dialogues_are_split_before_their_last_answer(row: dict[str, Any], as_file: bool, tmp_path: Path) -> None:
    source: Any = [row]
    if as_file:
        source = tmp_path / "rows.jsonl"
        source.write_text(json.dumps(row) + "\n", encoding="utf-8")
    frame = refined(source, tmp_path / "out")
    assert [message.content for message in messages_of(frame["text"][0])] == ["Be brief.", "Hello", "Hi!", "Bye"]
    assert frame["target_text"][0] == CODE  # no operator edits what a dialogue says
    assert "messages" not in frame.columns


def test_alpacas_input_stands_below_its_instruction(tmp_path: Path) -> None:
    rows = [{"instruction": "Sum up.", "input": "A long text.", "output": "Text."}, {"instruction": "Say hi.", "input": "", "output": "Hi."}]  # fmt: skip
    frame = refined(rows, tmp_path / "out")
    assert [messages_of(cell)[0].content for cell in frame["text"]] == ["Sum up.\n\nA long text.", "Say hi."]
    assert frame["target_text"].to_list() == ["Text.", "Hi."]


def test_a_column_named_text_is_the_text() -> None:
    assert found_columns(["text", "messages"]) == {}
    assert found_columns(["instruction", "label"]) == {}


@pytest.mark.parametrize(
    ("turns", "what"),
    [
        ([("user", "a"), ("user", "b"), ("assistant", "c")], "two users in a row"),
        ([("assistant", "a"), ("user", "b"), ("assistant", "c")], "first turn of the chat is the assistant's"),
        ([("user", "a")], "no turn of the assistant"),
        ([("tool", "a"), ("assistant", "c")], "unknown role 'tool'"),
        ([("user", " "), ("assistant", "c")], "message 1 of the chat is empty"),
    ],
)
def test_broken_dialogues_are_refused_by_row(turns: list[tuple[str, str]], what: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=what) as caught:
        refined([GOOD, openai(*turns)], tmp_path / "out")
    assert "data:2" in caught.value.where
    assert caught.value.remedy


def test_broken_dialogues_are_mended_or_dropped(tmp_path: Path) -> None:
    rows = [GOOD, openai(("user", "a"), ("user", "b"), ("assistant", "c")), openai(("user", "alone"))]
    frame = refined(rows, tmp_path / "mended", ("repair_dialogues", "drop_broken_dialogues", *DEFAULT_OPERATORS))
    assert frame.height == 2
    assert messages_of(frame["text"][1])[0].content == "a\n\nb"
    assert refined(rows, tmp_path / "dropped", ("drop_broken_dialogues",)).height == 1


def test_two_answers_to_one_question_are_no_duplicates(tmp_path: Path) -> None:
    rows = [openai(("user", "Hello"), ("assistant", answer)) for answer in ("Hi!", "Good day.")]
    assert refined(rows, tmp_path / "out").height == 2


def test_rows_that_are_no_dialogues_are_left_alone() -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["[1] Hello", None], "target_text": [None, "x"]})
    assert dialogue_rows(frame).to_list() == [False, False]
    refuse_broken(frame)
    refuse_broken(frame.drop("target_text"))
