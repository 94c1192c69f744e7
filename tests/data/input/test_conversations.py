"""From messages to dialogues."""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data.child import figures

from oreline.data.forms.times import parsed_time
from oreline.data.input import compressed
from oreline.data.input import conversations as module
from oreline.data.input.compressed import CutOffError
from oreline.data.input.conversations import Said, Turn, dialogues_of, messages_of, rows_of, together
from oreline.data.refine import refine
from oreline.data.sources import frames
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


def test_a_long_monologue_is_joined_once() -> None:
    """Copied anew with each of its messages, it would take minutes."""
    joined = messages_of([*[Turn("Ann", "x" * 99)] * 100_000, Turn("Bo", "Yes.")])
    assert [(message.role, len(message.content)) for message in joined] == [("user", 9_999_999), ("assistant", 4)]


def test_of_system_messages_the_first_ones_stay() -> None:
    said = "system: a|system: b|assistant: early|user: c|system: d|user: e|assistant: f|system: g|assistant: h|user: i"
    turns = [Turn(*one.split(": ")) for one in said.split("|")]
    assert [tuple(message) for message in messages_of(turns)] == [
        ("system", "a\nb"), ("user", "c\ne"), ("assistant", "f\nh")]  # fmt: skip


IDS = st.sampled_from([None, "", "a", "b", "A", "a ", "会话", '"]', "\0"])
SPEAKERS = st.sampled_from([None, "", "Ann", "agent", "user", "系统", "a,b"])
TEXTS = st.one_of(
    st.none(), st.sampled_from(["", " ", '"quoted"', "a\nb\\", "你好\u2028", "\x1f,[]"]), st.text(max_size=5)
)
TIMES = st.sampled_from(
    [None, "", "2026-01-05", "2026-01-05T00:00:00", "2026-01-05T08:00:00+08:00", "1969-12-31 23:59", "2026年1月6日"]
)
MESSAGES = st.lists(st.tuples(IDS, SPEAKERS, TEXTS, TIMES), max_size=40)


def held_at_once(table: pl.DataFrame, asked: dict[str, str]) -> Iterator[tuple[str, list[Turn]]]:
    """Yield the conversations as they were found before: all messages in memory, sorted and grouped by Polars."""
    columns = {"conversation": "session", "speaker": "who", "text": "said", "time": "at"}
    table = table.select(pl.col(column).alias(key) for key, column in columns.items())
    if "time" in asked:
        numbers = pl.Series("row_id", range(1, table.height + 1)).cast(pl.String)
        table = table.with_columns(parsed_time(table["time"], numbers, "x").alias("when"))
        table = table.sort("when", maintain_order=True, nulls_last=True).drop("when")
    else:
        table = table.with_columns(pl.lit(None, dtype=pl.String).alias("time"))
    table = table.drop_nulls(["conversation", "text"])
    for (name,), part in table.group_by("conversation", maintain_order=True):
        yield str(name), [Turn(who or "", text, when) for who, text, when in part.drop("conversation").iter_rows()]


@given(MESSAGES, st.booleans(), st.integers(1, 50), st.integers(1, 4), st.sampled_from([0, 3000, 1 << 26]))
def test_bounded_conversations_are_those_of_all_messages_at_once(
    messages: list[tuple[str | None, ...]], by_time: bool, cut: int, rows: int, max_bytes: int
) -> None:
    table = pl.DataFrame(messages, schema=dict.fromkeys(("session", "who", "said", "at"), pl.String), orient="row")
    asked = {"conversation": "session", "speaker": "who", "text": "said"} | ({"time": "at"} if by_time else {})
    made: list[list[Any]] = []
    for conversations in (
        held_at_once(table, asked),
        together(module._said(table.iter_slices(cut), asked, "x"), max_bytes=max_bytes),
    ):
        told: list[Any] = []
        try:
            for frame in rows_of(conversations, [], rows=rows, note=told.append):
                told += frame.rows()
        except DataError as error:
            told.append(str(error))
        made.append(told)
    assert made[1] == made[0]
    whole = list(together(module._said(table.iter_slices(cut), asked, "x"), max_bytes=max_bytes))
    assert whole == list(held_at_once(table, asked))


def test_a_time_that_cannot_be_read_is_named_by_its_row() -> None:
    bad = LOG.with_columns(at=pl.Series([*LOG["at"][:6], "soon", "never"]))
    with pytest.raises(DataError, match="the time 'soon'") as caught:
        list(dialogues_of(bad.iter_slices(4), ASKED, "log.csv", rows=9))
    assert caught.value.where == "log.csv, row 7"


def test_messages_before_a_break_become_dialogues(tmp_path: Path) -> None:
    source = "session,who,said\n" + "".join(f"s{n // 2},{'Li' if n % 2 else 'Ann'},text {n}\n" for n in range(40_000))
    whole = gzip.compress(source.encode())
    (tmp_path / "log.csv.gz").write_bytes(whole[: len(whole) // 2])
    notes: list[str] = []
    asked = {"conversation": "session", "speaker": "who", "text": "said"}
    made = pl.concat(frames({"path": str(tmp_path / "log.csv.gz"), "dialogues": asked}, note=notes.append))
    assert 1000 < made.height < 20_000
    assert made["conversation"].to_list() == [f"s{n}" for n in range(made.height)]
    assert ["breaks off" in note for note in notes] == [True]


def test_a_break_comes_after_the_conversations_before_it() -> None:
    def broken() -> Iterator[Said]:
        yield Said("a", Turn("Ann", "Hello?"))
        raise CutOffError("it breaks off")

    found = together(broken(), max_bytes=0)
    assert next(found) == ("a", [Turn("Ann", "Hello?")])
    with pytest.raises(CutOffError):
        next(found)


def test_no_frames_have_no_conversations() -> None:
    assert list(dialogues_of([], ASKED, "x", rows=1)) == []


def test_long_conversations_come_by_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "_BATCH_CHARACTERS", 1000)
    turns = [Turn("Ann", "x" * 300), Turn("Bo", "y" * 300)]
    assert [frame.height for frame in rows_of([(str(n), turns) for n in range(5)], [], rows=9)] == [2, 2, 1]


def test_what_is_on_disk_goes_as_it_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Messages go once the conversations are written, these once they were read: nothing stays in the folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def num_files() -> int:
        links = (os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd"))
        return sum(str(tmp_path) in link for link in links)

    found = together((Said(f"{n % 50}", Turn("Ann", f"text {n}")) for n in range(2000)), max_bytes=0)
    next(found)
    assert num_files() == 1
    assert len(list(found)) == 49
    assert num_files() == 0
    assert list(tmp_path.iterdir()) == []


READING = """
import itertools, resource, sys
from oreline.data.input.conversations import Said, Turn, together

def said(num):
    for number in range(num):
        yield Said(f"{number * 7919 % (num // 4)}", Turn("Ann", f"{number} " * 60))

def highest():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

list(itertools.islice(together(said(8), max_bytes=1 << 20), 9))
before = highest()
num = sum(len(turns) for _, turns in together(said(200_000), max_bytes=4 << 20))
print(num, highest() - before)
"""


def test_what_is_held_does_not_grow_with_the_messages() -> None:
    """90 MB of texts, of conversations that lie anywhere, in 4 MB and what two merges read ahead."""
    num, grown = figures(READING)
    assert num == 200_000
    assert grown < 30
