"""Dialogues: every form that people have, what breaks one, and what mends it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.dialogue import (
    ASSISTANT,
    SYSTEM,
    USER,
    Message,
    as_cell,
    cell_of_row,
    fault,
    is_dialogue,
    mended,
    messages_of,
    parsed,
    transcript,
)

CONTENTS = st.text(max_size=5)
DIALOGUES = st.lists(st.builds(Message, st.sampled_from([SYSTEM, USER, ASSISTANT]), CONTENTS), max_size=8)


def said(*turns: str) -> list[Message]:
    """Messages from strings such as `user: Hello`."""
    return [Message(*turn.split(": ", 1)) for turn in turns]


@pytest.mark.parametrize(
    "item",
    [
        {"role": "assistant", "content": "Hi"},
        {"from": "gpt", "value": "Hi"},
        {"role": None, "from": "GPT", "content": None, "value": "Hi"},
        {"role": "model", "content": [{"type": "text", "text": "H"}, "i"]},
    ],
)
def test_every_form_of_a_message_is_read(item: dict[str, object]) -> None:
    assert parsed([item]) == parsed(json.dumps([item])) == [Message(ASSISTANT, "Hi")]


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ("Hello", "no list of messages"),
        (3, "no list of messages"),
        (["Hello"], "message 1 of the chat is 'Hello', and no object"),
        ([{"content": "Hello"}], "has no 'role' and no 'from'"),
        ([{"role": "user"}], "has no 'content' and no 'value'"),
        ([{"role": "user", "content": "a"}, {"role": "tool", "content": "b"}], "message 2 of the chat has the unknown role 'tool'"),
        ([{"role": "user", "content": [{"image_url": "x"}]}], "which is no text"),
    ],
)  # fmt: skip
def test_what_is_no_dialogue_is_named(wrong: object, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        parsed(wrong)


@pytest.mark.parametrize(
    ("messages", "what"),
    [
        (said("user: a", "user: b", "assistant: c"), r"two users in a row \(messages 1 and 2\)"),
        (said("user: a", "assistant: b", "assistant: c"), r"two assistants in a row \(messages 2 and 3\)"),
        (said("assistant: a", "user: b", "assistant: c"), "first turn of the chat is the assistant's"),
        (said("system: s", "assistant: a"), "first turn of the chat is the assistant's"),
        (said("user: a"), "no turn of the assistant"),
        (said("user: a", "assistant: b", "user: c"), "ends with a turn of the user"),
        (said("user:  ", "assistant: b"), r"message 1 of the chat is empty \(user\)"),
        (said("user: a", "system: s", "assistant: b"), "message 2 of the chat is a system message"),
        (said("system: s"), "no turns"),
        ([], "no turns"),
    ],
)
def test_each_fault_is_named(messages: list[Message], what: str) -> None:
    import re

    assert re.search(what, fault(messages, answered=True) or "nothing")


def test_a_question_must_be_left_to_answer() -> None:
    assert "nothing to answer" in str(fault(said("user: a", "assistant: b"), answered=False))
    assert fault(said("system: s", "user: a"), answered=False) is None


@given(DIALOGUES)
def test_a_cell_holds_any_dialogue(messages: list[Message]) -> None:
    cell = as_cell(messages)
    assert is_dialogue(cell) == bool(messages)
    assert messages_of(cell) == messages or not messages


@given(st.text(max_size=20))
def test_any_other_text_is_one_message_of_the_user(text: str) -> None:
    if not is_dialogue(text):
        assert messages_of(text) == [Message(USER, text)]


@given(DIALOGUES)
def test_what_is_mended_is_whole_or_nothing(messages: list[Message]) -> None:
    better = mended(messages)
    assert not better or fault(better, answered=True) is None
    assert mended(better) == better
    if fault(messages, answered=True) is None:
        assert better == messages


def test_a_row_may_have_its_dialogue_in_other_columns() -> None:
    asked = said("system: Be brief.", "user: Hello")
    listed = [message._asdict() for message in asked]
    assert cell_of_row({"messages": listed}) == as_cell(asked)
    assert cell_of_row({"conversations": json.dumps(listed[1:]), "system": "Be brief."}) == as_cell(asked)
    assert cell_of_row({"messages": [*listed, {"role": "assistant", "content": "Hi"}]}) == as_cell(asked)
    assert cell_of_row({"instruction": "Hello", "input": "", "system": "Be brief."}) == as_cell(asked)
    assert cell_of_row({"text": "Hello", "messages": listed}) is None
    assert cell_of_row({"review": "Hello"}) is None


def test_people_read_a_dialogue_as_a_transcript() -> None:
    assert transcript(as_cell(said("system: s", "user: a", "assistant: b"))) == "system: s / user: a / assistant: b"
    assert transcript("[1] Hello") == "[1] Hello"


def test_thousands_of_brackets_are_one_message() -> None:
    assert not is_dialogue("[" * 100_000)
    assert messages_of("[" * 100_000) == [Message("user", "[" * 100_000)]
