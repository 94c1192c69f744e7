"""What is wrong with a request, in our own words: pydantic's list of faults as one error.

The offending value is shown when it is short; a whole request is never sent back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oreline.errors import DataError, did_you_mean

_LONGEST_ECHO = 80
_HELP = "see /docs for an example of every request"


def invalid(faults: Sequence[Mapping[str, Any]], known: Sequence[str] = ()) -> DataError:
    """Return the error for a request that pydantic refused: its first fault, and how many more there are.

    Args:
        faults: pydantic's, at least one.
        known: the fields that the route's body may have.

    >>> fault = {"type": "string_type", "loc": ("body", "many", "rows", 3, "text"), "msg": "…", "input": 5}
    >>> print(invalid([fault]))
    not a text: 5
      where:   body.rows.3.text
      allowed: a string
      do:      see /docs for an example of every request
    """
    # A misspelt field is both unknown and missing; only the first says what to correct.
    first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    what, allowed = _sentence(first, known)
    if len(faults) > 1:
        what += f" (and {len(faults) - 1:,} more)"
    return DataError(what, where=_where(first), allowed=allowed, remedy=_HELP)


def unreadable(cause: BaseException | None) -> DataError:
    """Return the error for a body that could not be parsed at all, from what the parser raised."""
    what = "the body cannot be read"
    if isinstance(cause, UnicodeDecodeError):
        what = f"the body is not UTF-8: byte {cause.object[cause.start]:#04x} at position {cause.start:,}"
    elif isinstance(cause, RecursionError):
        what = "the body is nested too deeply"
    return DataError(what, where="body", allowed="a JSON object in UTF-8", remedy=_HELP)


def _sentence(fault: Mapping[str, Any], known: Sequence[str]) -> tuple[str, str]:
    """Say what is wrong and what is allowed."""
    kind, context, name = fault["type"], fault.get("ctx") or {}, _shown(fault["loc"][-1])
    match kind:
        case "missing":
            return f"{name} is missing", ", ".join(known)
        case "extra_forbidden":
            return f"unknown field {name}", did_you_mean(str(fault["loc"][-1])[:_LONGEST_ECHO], known)
        case "json_invalid":
            return f"the body is not JSON: {context.get('error', 'it cannot be read')}", "a JSON object"
        case "too_long":
            return (
                f"{context['actual_length']:,} {fault['loc'][-1]} are too many",
                f"at most {context['max_length']:,} in one request",
            )
        case "string_too_long":
            return f"{len(fault['input']):,} characters are too many", f"at most {context['max_length']:,}"
        case "too_many_characters":
            return f"{context['num']:,} characters are too many", f"at most {context['most']:,}"
        case "too_short":
            return f"{name} is empty", f"at least {context['min_length']}"
        case "model_attributes_type" | "model_type" | "dict_type" if isinstance(fault["input"], bytes):
            return "the body is not sent as JSON", "Content-Type: application/json"
        case "model_attributes_type" | "model_type" | "dict_type":
            return f"not an object: {_shown(fault['input'])}", ", ".join(known)
        case "string_type":
            return f"not a text: {_shown(fault['input'])}", "a string"
        case "string_pattern_mismatch":
            return f"not an id: {_shown(fault['input'])}", "32 hexadecimal digits, from the answer of /predict"
        case "value_error":
            said = str(fault["msg"]).removeprefix("Value error, ")
            return said, ", ".join(known) if said.startswith("give ") else "Unicode text"
    return f"{fault['msg']}: {_shown(fault['input'])}", ""


def _where(fault: Mapping[str, Any]) -> str:
    # "one" and "many" tell the two forms of a request apart; they are not in the request.
    parts = [str(part)[:_LONGEST_ECHO] for part in fault["loc"] if part not in {"one", "many"}]
    return ".".join(parts)


def _shown(value: Any) -> str:
    if isinstance(value, dict | list | bytes):
        return {dict: "an object", list: "a list", bytes: "bytes"}[type(value)]
    if value is None:
        return "null"
    text = ascii(value)
    return text if len(text) <= _LONGEST_ECHO else f"{text[:_LONGEST_ECHO]}… ({len(text):,} characters)"
