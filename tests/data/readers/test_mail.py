"""Messages as rows, threads as dialogues."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.data.written import letter, mbox

from oreline.data.readers.mail import Reader
from oreline.data.sources import frames
from oreline.dialogue import messages_of
from oreline.errors import DataError, UsageError

BO = "Bo, support <bo@example.org>"
LETTERS = [
    letter("Is it open?", 1),
    letter("Lonely", 5),
    letter("Yes.\n\nOn Monday, Ann wrote:\n> Is it open?", 2, answers=1, sender=BO),
    letter("谢谢", 3, answers=2),
    letter("不客气", 4, answers=3, sender=BO),
]


def read(file: Path, **options: Any) -> tuple[pl.DataFrame, list[str]]:
    reader = Reader(**options)
    return pl.concat(reader.frames(file, rows=2)), reader.notes


def test_a_mailbox_has_a_row_for_each_message(tmp_path: Path) -> None:
    (tmp_path / "a.mbox").write_bytes(mbox(LETTERS))
    frame, _ = read(tmp_path / "a.mbox")
    assert frame["text"].to_list() == ["Is it open?", "Lonely", "Yes.", "谢谢", "不客气"]
    assert frame["thread"].to_list() == [f"<m{n}@example.org>" for n in (1, 5, 1, 1, 1)]
    assert frame.columns == ["text", "subject", "from", "to", "date", "thread", "message_id"]


@pytest.mark.parametrize("assistant", [None, "BO@example.org"])
def test_threads_are_dialogues(tmp_path: Path, assistant: str | None) -> None:
    (tmp_path / "a.mbox").write_bytes(mbox(LETTERS))
    frame, notes = read(tmp_path / "a.mbox", conversations=True, assistant=assistant)
    assert notes == ["a.mbox: 1 conversations without an answer were left out"]
    (cell,) = frame["messages"]
    assert [tuple(message) for message in messages_of(cell)] == [
        ("user", "Is it open?"),
        ("assistant", "Yes."),
        ("user", "谢谢"),
        ("assistant", "不客气"),
    ]


def test_a_folder_of_single_messages_is_one_source(tmp_path: Path) -> None:
    for number, data in enumerate(LETTERS):
        (tmp_path / f"{number}.eml").write_bytes(data)
    frame = pl.concat(
        frames(
            {
                "path": str(tmp_path),
                "dialogues": {"conversation": "thread", "speaker": "from", "text": "text", "time": "date"},
            }
        )
    )
    assert frame.height == 1, "the answers name the message that they answer"


def test_a_single_message_is_no_conversation(tmp_path: Path) -> None:
    for number, data in enumerate(LETTERS):
        (tmp_path / f"{number}.eml").write_bytes(data)
    with pytest.raises(UsageError, match="no conversation") as caught:
        list(frames({"path": str(tmp_path), "conversations": True}))
    assert "dialogues: {conversation: thread, speaker: from, text: text, time: date}" in (caught.value.remedy or "")


def test_a_mailbox_that_breaks_off(tmp_path: Path) -> None:
    (tmp_path / "a.mbox.gz").write_bytes(gzip.compress(mbox(LETTERS[:3])) + gzip.compress(mbox(LETTERS[3:]))[:-8])
    notes: list[str] = []
    assert pl.concat(frames(tmp_path / "a.mbox.gz", note=notes.append)).height >= 2
    assert "breaks off" in notes[0]


def test_a_single_message_that_breaks_off(tmp_path: Path) -> None:
    whole = gzip.compress(letter("\n".join(f"line {number}" for number in range(2000))))
    (tmp_path / "a.eml.gz").write_bytes(whole[: len(whole) // 2])
    notes: list[str] = []
    (text,) = pl.concat(frames(tmp_path / "a.eml.gz", note=notes.append))["text"]
    assert text.startswith("line 0\nline 1\n")
    assert "line 1999" not in text
    assert ["breaks off" in note for note in notes] == [True]


@pytest.mark.parametrize("length", [9 << 20, 11 << 20])
def test_a_text_that_is_too_long_is_cut_and_named(tmp_path: Path, length: int) -> None:
    (tmp_path / "mails").mkdir()
    long = letter("0123456 " * (length // 8), 2)
    (tmp_path / "a.mbox").write_bytes(mbox([LETTERS[0], long, LETTERS[2]]))
    (tmp_path / "mails" / "1.eml").write_bytes(LETTERS[0])
    (tmp_path / "mails" / "2.eml").write_bytes(long)
    for place, row in ((tmp_path / "a.mbox", 2), (tmp_path / "mails", 1)):
        notes: list[str] = []
        texts = pl.concat(frames(place, note=notes.append))["text"].to_list()
        assert len(texts) == row + 1
        assert (7 << 20) < len(texts[1]) <= (8 << 20)
        (note,) = notes
        assert f"{place}" in note
        assert f"message {row} is longer than 8 MB" in note


def test_what_is_no_message(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"just some text\nwithout headers\n")
    with pytest.raises(DataError, match="no e-mail message"):
        read(tmp_path / "a.eml")
