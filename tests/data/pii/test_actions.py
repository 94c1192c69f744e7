"""What is put in the place of a value."""

from __future__ import annotations

import pytest

from oreline.data.pii.actions import Substitutes, is_chinese_text
from oreline.data.pii.keyed import Key
from oreline.data.pii.kinds import kinds_of
from oreline.data.pii.spans import Span
from oreline.errors import UsageError

KINDS = kinds_of(["mobile", "email"])
TEXT = "请打13812345678联系"
SPAN = Span(2, 13, "mobile")


def put(action: str, **options: object) -> str:
    given = {"key": Key(b"k" * 32), "language": "auto", "reversible": False, **options}
    return Substitutes(KINDS, {"mobile": action, "email": action}, **given).put(SPAN, TEXT)


def test_each_action() -> None:
    assert put("mask") == "[手机号]"
    assert put("mask", language="en") == "[PHONE]"
    assert put("hash").startswith("[手机号:")
    assert len(put("hash")) == len("[手机号:]") + 16
    assert put("pseudonym").startswith("12")
    assert put("drop") == put("flag") == "13812345678"


def test_masks_speak_the_texts_language() -> None:
    masks = Substitutes(KINDS, {"mobile": "mask", "email": "mask"}, key=None, language="auto", reversible=False)
    assert masks.put(Span(5, 16, "mobile"), "Call 13812345678 now") == "[PHONE]"
    assert not is_chinese_text("13812345678")


def test_what_needs_a_key_says_so() -> None:
    with pytest.raises(UsageError, match="hash needs a key"):
        put("hash", key=None)
    with pytest.raises(UsageError, match="reversible needs a key"):
        put("mask", key=None, reversible=True)


def test_only_what_was_replaced_is_sealed() -> None:
    for action, sealed in (("mask", True), ("pseudonym", True), ("flag", False), ("drop", False)):
        made = Substitutes(KINDS, {"mobile": action}, key=Key(b"k" * 32), language="auto", reversible=True)
        assert (made.sealed(SPAN, TEXT) is not None) is sealed
