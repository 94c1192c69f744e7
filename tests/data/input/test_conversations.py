"""From messages to dialogues."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from oreline.data.input.conversations import Turn, dialogues_of, messages_of
from oreline.data.refine import refine
from oreline.dialogue import messages_of as parsed
from oreline.errors import DataError, UsageError

LOG = pl.DataFrame(
    {
        "session": ["s2", "s1", "s1", "s2", "s1", "s3", "s1", None],
        "who": ["Li", "agent", "Ann", "agent", "agent", "Bo", "agent", "x"],
        "said": ["你好", "Hello!", "Is it open?", "您好", "Yes.", "Nobody?", "Anything else?", "lost"],
        "at": ["2026-01-05 10:00", "2026-01-05 09:00", "2026-01-05 09:01", "2026-01-05 10:01", "2026-01-05 09:02", "2026-01-05 11:00", "2026-01-05 09:03", None],
    }
)  # fmt: skip
ASKED = {"conversation": "session", "speaker": "who", "text": "said", "time": "at", "assistant": "Agent"}


def read(**more: object) -> tuple[list[tuple[str, list[tuple[str, str]]]], list[str]]:
    notes: list[str] = []
    made = dialogues_of(iter([LOG[:3], LOG[3:]]), {**ASKED, **more}, "log.csv", rows=1, note=notes.append)
    rows = [row for frame in made for row in frame.iter_rows(named=True)]
    return [(row["conversation"], [tuple(m) for m in parsed(row["messages"])]) for row in rows], notes


def test_a_log_becomes_dialogues_by_time() -> None:
    found, notes = read()
    assert found == [
        ("s1", [("user", "Is it open?"), ("assistant", "Yes.\nAnything else?")]),
        ("s2", [("user", "你好"), ("assistant", "您好")]),
    ]
    assert notes == ["log.csv: 1 conversations without an answer were left out"]


def test_who_answers_may_be_told_by_the_names_of_roles() -> None:
    turns = [Turn("system", "Be kind."), Turn("Human", "Hi"), Turn("bot", "Ho")]
    assert [message.role for message in messages_of(turns)] == ["system", "user", "assistant"]
    assert messages_of([Turn("A", "x"), Turn("B", " "), Turn("A", "y")]) == []
    assert [
        m.content for m in messages_of([Turn("A", "x"), Turn("system", "s"), Turn("A", "y"), Turn("B", "z")], ["B"])
    ] == ["x\ns\ny", "z"]


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"who": "x"}, UsageError, "no key 'who'"),
        ({"text": None}, UsageError, "need the column of the text"),
        ({"text": "sais"}, DataError, "no column 'sais'"),
        ({"time": "said"}, DataError, "time"),
    ],
)
def test_what_is_asked_is_checked(asked: dict[str, str], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        read(**asked)


def test_a_log_of_any_format_is_refined_into_dialogues(tmp_path: Path) -> None:
    LOG.write_csv(tmp_path / "log.csv")
    made = refine({"path": str(tmp_path / "log.csv"), "dialogues": ASKED}, operators=[], split={}, out=tmp_path / "out")
    frame = made.frame("all")
    assert frame["target_text"].to_list() == ["Yes.\nAnything else?", "您好"]
    assert frame["row_id"].to_list() == ["log.csv:1", "log.csv:2"]
