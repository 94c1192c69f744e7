"""What pydantic finds wrong, in our words; the same through HTTP is in tests/serve/test_app.py."""

from __future__ import annotations

from typing import Any

import pytest

from oreline.serve.faults import invalid


def fault(kind: str, value: Any = None, loc: tuple[Any, ...] = ("body", "one", "text"), **ctx: Any) -> dict[str, Any]:
    return {"type": kind, "loc": loc, "msg": "Value error, half a pair", "input": value, "ctx": ctx}


@pytest.mark.parametrize(
    ("given", "what", "allowed"),
    [
        (fault("missing"), "'text' is missing", "text, rows"),
        (fault("json_invalid", error="EOF"), "the body is not JSON: EOF", "a JSON object"),
        (
            fault("too_long", actual_length=5000, max_length=256),
            "5,000 text are too many",
            "at most 256 in one request",
        ),
        (fault("string_too_long", "a" * 3000, max_length=2000), "3,000 characters are too many", "at most 2,000"),
        (fault("too_short", [], min_length=1), "'text' is empty", "at least 1"),
        (fault("model_type", b"x"), "the body is not sent as JSON", "Content-Type: application/json"),
        (fault("model_type", 5), "not an object: 5", "text, rows"),
        (fault("string_type", None), "not a text: null", "a string"),
        (fault("string_type", {"a": 1}), "not a text: an object", "a string"),
        (
            fault("string_pattern_mismatch", "zz"),
            "not an id: 'zz'",
            "32 hexadecimal digits, from the answer of /predict",
        ),
        (fault("value_error"), "half a pair", "Unicode text"),
        (fault("something_new", 5), "Value error, half a pair: 5", ""),
    ],
)
def test_each_kind_of_fault_has_its_sentence(given: dict[str, Any], what: str, allowed: str) -> None:
    error = invalid([given], ("text", "rows"))
    assert (error.what, error.allowed, error.where) == (what, allowed, "body.text")
    assert "/docs" in error.remedy


def test_a_misspelt_field_comes_before_the_missing_one() -> None:
    error = invalid([fault("missing"), fault("extra_forbidden", loc=("body", "one", "txt"))], ("text", "rows"))
    assert error.what == "unknown field 'txt' (and 1 more)"
    assert error.allowed.startswith("did you mean 'text'")


def test_what_is_shown_is_short_and_printable() -> None:
    error = invalid([fault("string_type", "\ud800" * 5000, loc=("body", "many", "rows", 3, "k" * 500))])
    assert len(str(error)) < 500
    assert str(error).isascii() or str(error).encode()
    assert error.where.startswith("body.rows.3.kkk")
