"""The part of an input that is explained."""

from __future__ import annotations

import json

import pytest

from oreline import registry
from oreline.explain.part import part_of

DIALOGUE = [
    {"role": "user", "content": "Is it open?"},
    {"role": "assistant", "content": "Yes."},
    {"role": "user", "content": "On Sunday too?"},
]


def test_of_a_dialogue_the_last_turn() -> None:
    part = part_of(registry.create("task", "chat"), json.dumps(DIALOGUE))
    assert part.text == "On Sunday too?"
    assert json.loads(part.put("On too?")) == [*DIALOGUE[:2], {"role": "user", "content": "On too?"}]
    assert json.loads(part.put(" "))[-1]["content"] == "…"
    assert "last turn" in part.note


@pytest.mark.parametrize("given", ["[1] On Sunday?", "[]", '[{"role": "nobody", "content": "a"}]'])
def test_whatever_is_no_dialogue_is_a_text(given: str) -> None:
    part = part_of(registry.create("task", "chat"), given)
    assert (part.text, part.put("On Sunday?"), part.note) == (given, "On Sunday?", "")


def test_other_tasks_read_a_text_that_looks_like_a_dialogue_as_it_stands() -> None:
    part = part_of(registry.create("task", "text_classification", labels=["a", "b"]), json.dumps(DIALOGUE))
    assert (part.text, part.put(""), part.note) == (json.dumps(DIALOGUE), "", "")
