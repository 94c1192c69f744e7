"""Messages as rows, threads as dialogues."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data.written import letter, mbox

from oreline.data.input.conversations import Turn, together
from oreline.data.input.letters import Letter
from oreline.data.readers.mail import Reader, _Roots
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


def root(letter: Letter, roots: dict[str, str]) -> str:
    """Return the thread of a message as it was told before: every id in a dictionary, and an entry a message."""
    known = roots.get(letter.parent or "") or roots.get(letter.thread or "")
    thread = known or letter.thread or f"no-id-{len(roots) + 1}"
    for name in (letter.message_id, letter.thread, letter.parent):
        if name:
            roots.setdefault(name, thread)
    roots.setdefault(f" {len(roots)}", thread)
    return thread


def threads(letters: list[Letter]) -> list[tuple[str, list[Turn]]]:
    """Return the threads as they were joined before: all messages by thread in memory, each sorted by date."""
    roots, held = dict[str, str](), dict[str, list[Letter]]()
    for one in letters:
        held.setdefault(root(one, roots), []).append(one)
    return [
        (
            name,
            [Turn("assistant" if "bo" in (one.sender or "") else one.sender or "", one.text or "", one.date) for one in
             sorted(own, key=lambda one: one.date or "")],
        )
        for name, own in held.items()
    ]  # fmt: skip


NAMES = st.sampled_from([None, *(f"<m{number}@example.org>" for number in range(6))])
DATES = st.sampled_from([None, "2026-01-05T10:00:00", "2026-01-05T10:00:00+01:00", "2026-01-05T09:00:00-08:00"])
WRITTEN = st.builds(
    Letter,
    text=st.sampled_from([None, "你好", "x\n> y"]),
    subject=st.none(),
    sender=st.sampled_from([None, "Ann", "bo@example.org"]),
    to=st.none(),
    date=DATES,
    thread=NAMES,
    message_id=NAMES,
    parent=NAMES,
)


@given(st.lists(WRITTEN, max_size=30), st.sampled_from([0, 2000, 1 << 26]))
def test_bounded_threads_are_those_of_all_messages_at_once(letters: list[Letter], max_bytes: int) -> None:
    reader, roots, held = Reader(conversations=True, assistant="BO"), _Roots(max_bytes), dict[str, str]()
    said = [reader._said(one, roots) for one in letters]
    assert [one.conversation for one in said] == [root(one, held) for one in letters]
    assert list(together(said, max_bytes=max_bytes)) == threads(letters)


def test_long_messages_come_by_few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("oreline.data.input.compressed._BATCH_CHARACTERS", 500)
    (tmp_path / "a.mbox").write_bytes(mbox([letter("x" * 300, number) for number in range(1, 6)]))
    assert [frame.height for frame in Reader().frames(tmp_path / "a.mbox", rows=9)] == [2, 2, 1]
