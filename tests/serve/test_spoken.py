"""Tokens become text while they are written: characters whole, stop strings never shown, nothing taken back."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from tests.conftest import chat_tokenizer

from oreline.models.writing import decoded, tidied
from oreline.serve.spoken import Spoken

TOKENIZER = chat_tokenizer()
END = TOKENIZER.token_to_id("<|im_end|>")


def listen(text: str, *, stops: tuple[str, ...] = (), end: bool = True, limit: int = 1000) -> tuple[Spoken, list[str]]:
    """Tell a text token by token; returns what was heard, and the text after each change."""
    runtime: Any = SimpleNamespace(
        end_ids=[END],
        task=SimpleNamespace(generation=SimpleNamespace(max_new_tokens=limit)),
        decoded=lambda ids: decoded(TOKENIZER, ids),
        tidied=lambda text: tidied(text, by_word=False),
    )
    seen: list[str] = []
    spoken = Spoken(runtime, stops=stops, on_change=lambda: seen.append(spoken.text))
    spoken.begin(3, is_cut=False)
    for token in [*TOKENIZER.encode(text).ids, *([END] if end else [])]:
        if spoken.tell(token):
            break
    return spoken, seen


@pytest.mark.parametrize("text", ["it is red, 你好，世界 👍🏽 ok", "  a\n\n  b ", "电影", "é́ñ"])
def test_the_text_is_that_of_all_tokens_and_only_grows(text: str) -> None:
    spoken, seen = listen(text)
    assert (spoken.text, spoken.finish) == (text.strip(), "stop")
    assert all(later.startswith(earlier) for earlier, later in zip(seen, seen[1:]))
    assert not any("\ufffd" in part for part in seen)
    assert len(set(seen)) > min(2, len(text.strip()) - 1)  # in pieces, not all at the end


def test_it_ends_before_a_stop_string_of_which_no_part_was_shown() -> None:
    spoken, seen = listen("the film\n\nUser: and", stops=("\n\nUser:", "User"))
    assert (spoken.text, spoken.finish) == ("the film", "stop")
    assert not any("U" in part for part in seen)
    whole, _ = listen("the film U", stops=("User",))
    assert whole.text == "the film U"  # the beginning of a stop string that does not come is said in the end


def test_it_ends_when_it_is_long_enough() -> None:
    spoken, _ = listen("the film with the plot", limit=3)
    assert (spoken.finish, spoken.num_read, spoken.num_written) == ("length", 3, 3)
    assert "the film with the plot".startswith(spoken.text)


def test_bytes_that_are_no_character_are_shown_in_the_end() -> None:
    half = TOKENIZER.encode("你").ids[:2]
    runtime: Any = SimpleNamespace(
        end_ids=[END],
        task=SimpleNamespace(generation=SimpleNamespace(max_new_tokens=2)),
        decoded=lambda ids: decoded(TOKENIZER, ids),
        tidied=str.strip,
    )
    spoken = Spoken(runtime, on_change=lambda: None)
    assert [spoken.tell(token) for token in half] == [False, True]
    assert spoken.text == decoded(TOKENIZER, half)


def test_torch_is_not_needed_to_listen() -> None:
    assert "torch" not in vars(sys.modules[Spoken.__module__])
