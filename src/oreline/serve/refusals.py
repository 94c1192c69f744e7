"""Answers that are not predictions: the HTTP status of each error, and its JSON form.

    {"error": {"what": …, "where": …, "allowed": …, "do": …}}

and, below `/v1/`, where clients of OpenAI's interface ask, in theirs:

    {"error": {"message": …, "type": …, "param": …, "code": …}}

The tree::

    OrelineError
      Refusal                 with a status of its own
        OverloadedError       429 the queue is full, with Retry-After
        DeadlineError         504 the answer was not ready in time
        DrainingError         503 the server is going away, with Retry-After
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from oreline.errors import ArtifactError, DataError, MissingExtraError, OrelineError, ResourceError, UsageError

_STATUS: tuple[tuple[type[OrelineError], int], ...] = (
    (MissingExtraError, 500),
    (DataError, 422),
    (UsageError, 422),
    (ResourceError, 503),
    (ArtifactError, 500),
)

OPENAI = "/v1/"
"""Below this path requests, answers and errors have the form of OpenAI's interface."""
_KINDS = {401: "authentication_error", 429: "rate_limit_error"}


class Refusal(OrelineError):
    """A request that is not served, with its HTTP status."""

    status = 400

    def __init__(self, what: str, *, status: int | None = None, retry_after_s: float | None = None, **parts: Any):
        super().__init__(what, **parts)
        self.status = status or self.status
        self.retry_after_s = retry_after_s


class OverloadedError(Refusal):
    """More rows wait than the server will hold, or than it can answer in time."""

    status = 429


class DeadlineError(Refusal):
    """The answer was not ready in time; rows that had not been computed are dropped."""

    status = 504


class DrainingError(Refusal):
    """The server finishes what it accepted and takes nothing new."""

    status = 503


def status_of(error: OrelineError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, Refusal):
        return error.status
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def refusal(error: OrelineError, path: str = "") -> Response:
    """Return the HTTP answer for an error, to a request for a path."""
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is None and isinstance(error, ResourceError):
        retry_after_s = 1.0
    headers = {} if retry_after_s is None else {"Retry-After": str(max(1, math.ceil(retry_after_s)))}
    status = status_of(error)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if path.startswith(OPENAI):
        return as_json(openai_body(error), 400 if status == 422 else status, headers)
    return as_json(error_body(error), status, headers)


def error_body(error: OrelineError) -> dict[str, Any]:
    """Return the JSON form of an error; empty parts are left out."""
    parts = {"what": error.what, "where": error.where, "allowed": error.allowed, "do": error.remedy}
    return {"error": {name: part for name, part in parts.items() if part}}


def openai_body(error: OrelineError) -> dict[str, Any]:
    """Return the form of an error that OpenAI's clients read; what is allowed and what to do stand in the message."""
    parts = [error.what, error.allowed and f"allowed: {error.allowed}", error.remedy and f"do: {error.remedy}"]
    status = status_of(error)
    kind = _KINDS.get(status, "server_error" if status >= 500 else "invalid_request_error")
    message = "; ".join(part for part in parts if part)
    param = error.where.removeprefix("body.") or None
    return {"error": {"message": message, "type": kind, "param": param, "code": None}}


def as_json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer; half a surrogate pair that a client sent is escaped, never an encoding error."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    data = text.encode("utf-8", "backslashreplace") if not text.isascii() else text.encode()
    return Response(data, status, dict(headers or {}), "application/json")
