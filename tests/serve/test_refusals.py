"""Errors as HTTP answers: the status of each, Retry-After, and a JSON form that nothing breaks."""

from __future__ import annotations

import json

import pytest

from oreline.errors import ArtifactError, DataError, MissingExtraError, OrelineError, ResourceError, UsageError
from oreline.serve.refusals import (
    DeadlineError,
    DrainingError,
    OverloadedError,
    Refusal,
    as_json,
    error_body,
    openai_body,
    refusal,
    status_of,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DataError("x"), 422),
        (UsageError("x"), 422),
        (ResourceError("x"), 503),
        (ArtifactError("x"), 500),
        (OrelineError("x"), 500),
        (MissingExtraError("polars", "data", "refine"), 500),
        (OverloadedError("x"), 429),
        (DeadlineError("x"), 504),
        (DrainingError("x"), 503),
        (Refusal("x"), 400),
        (Refusal("x", status=413), 413),
    ],
)
def test_every_error_has_its_status(error: OrelineError, status: int) -> None:
    assert status_of(error) == status
    assert refusal(error).status_code == status


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (OverloadedError("x", retry_after_s=2.1), "3"),
        (OverloadedError("x", retry_after_s=0.01), "1"),
        (ResourceError("x"), "1"),
        (DataError("x"), None),
    ],
)
def test_retry_after_is_whole_seconds_and_at_least_one(error: OrelineError, seconds: str | None) -> None:
    assert refusal(error).headers.get("retry-after") == seconds


def test_below_v1_errors_have_the_form_of_openai() -> None:
    error = DataError("2 is too many", where="body.n", allowed="1", remedy="ask twice")
    answer = refusal(error, "/v1/chat/completions")
    assert answer.status_code == 400
    assert json.loads(answer.body)["error"] == {
        "message": "2 is too many; allowed: 1; do: ask twice",
        "type": "invalid_request_error",
        "param": "n",
        "code": None,
    }
    kinds = {401: "authentication_error", 429: "rate_limit_error", 504: "server_error"}
    for status, kind in kinds.items():
        assert openai_body(Refusal("x", status=status))["error"]["type"] == kind


def test_a_missing_token_names_the_scheme() -> None:
    assert refusal(Refusal("x", status=401)).headers["www-authenticate"] == "Bearer"
    assert "www-authenticate" not in refusal(Refusal("x", status=400)).headers


def test_the_json_form_has_only_the_parts_that_are_given() -> None:
    assert error_body(DataError("wrong", where="row 3", remedy="mend it")) == {
        "error": {"what": "wrong", "where": "row 3", "do": "mend it"}
    }


def test_half_a_surrogate_pair_is_escaped() -> None:
    answer = as_json({"text": "了不起 \ud800"}, 200, {"X-Y": "z"})
    assert json.loads(answer.body)["text"] == "了不起 \ud800"
    assert answer.headers["x-y"] == "z"
    assert answer.media_type == "application/json"
    with pytest.raises(ValueError, match="JSON compliant"):
        as_json({"score": float("nan")})
