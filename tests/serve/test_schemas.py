"""The types of requests: their fields are the roles that a task reads."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from oreline.serve import schemas

REQUESTS = schemas.requests_for(("text", "text_pair"), max_rows=2, explain_max_chars=10)
PREDICT: TypeAdapter[Any] = TypeAdapter(REQUESTS.predict)


def kinds(error: ValidationError) -> list[tuple[str, Any]]:
    return [(fault["type"], fault["loc"][-1]) for fault in error.errors()]


def test_a_row_has_the_fields_that_the_task_reads() -> None:
    row = {"text": "a film", "text_pair": "了不起 🎬"}
    assert PREDICT.validate_python(row).model_dump() == row
    assert PREDICT.validate_python({"rows": [row, row]}).model_dump() == {"rows": [row, row]}
    explained = REQUESTS.explain.model_validate({"text": "a", "text_pair": "b"})
    assert explained.model_dump() == {"text": "a", "text_pair": "b", "label": None}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"text": "a"}, [("missing", "text_pair")]),
        ({"text": "a", "text_pair": 5}, [("string_type", "text_pair")]),
        ({"text": "a", "text_pair": "b", "label": "x"}, [("extra_forbidden", "label")]),
        ({"rows": []}, [("too_short", "rows")]),
        ({"rows": [{"text": "a", "text_pair": "b"}] * 3}, [("too_long", "rows")]),
        ({"text": "\ud800", "text_pair": "b"}, [("value_error", "text")]),
    ],
)
def test_what_is_wrong_is_named(given: Any, expected: list[tuple[str, str]]) -> None:
    with pytest.raises(ValidationError) as caught:
        PREDICT.validate_python(given)
    assert kinds(caught.value) == expected


def test_an_explanation_takes_short_texts() -> None:
    with pytest.raises(ValidationError) as caught:
        REQUESTS.explain.model_validate({"text": "a" * 11, "text_pair": "b"})
    assert kinds(caught.value) == [("string_too_long", "text")]


@pytest.mark.parametrize("id", ["", "zz", "A" * 32, "0" * 31, "0" * 33, "0" * 32 + "\n"])
def test_an_id_is_32_hexadecimal_digits(id: str) -> None:
    assert schemas.Feedback(id="0123456789abcdef" * 2, label="fresh").label == "fresh"
    with pytest.raises(ValidationError):
        schemas.Feedback(id=id, label="fresh")


def test_answers_keep_what_a_task_adds() -> None:
    model = {"id": "i", "version": "v", "precision": "fp32"}
    row = {"id": "0", "label": "fresh", "scores": {"fresh": 1.0}, "truncated": False, "span": [1, 2]}
    assert schemas.OneAnswer.model_validate({**row, "model": model, "warnings": []}).model_dump()["span"] == [1, 2]
    assert schemas.ErrorAnswer.model_validate({"error": {"what": "x"}}).error.do is None


DIALOGUES: TypeAdapter[Any] = TypeAdapter(
    schemas.requests_for(("text",), max_rows=2, explain_max_chars=10, dialogues=True).predict
)
HELLO = {"role": "user", "content": "Hello"}


def test_a_dialogue_comes_as_messages_or_as_a_text() -> None:
    wanted = '[{"role": "user", "content": "Hello"}]'
    assert DIALOGUES.validate_python({"messages": [HELLO]}).text == wanted
    assert DIALOGUES.validate_python({"text": "Hello"}).text == "Hello"
    many = DIALOGUES.validate_python({"rows": [{"messages": [HELLO]}, {"text": "Hello"}]}).model_dump()
    assert [row["text"] for row in many["rows"]] == [wanted, "Hello"]


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({}, "value_error"),
        ({"text": "a", "messages": [HELLO]}, "value_error"),
        ({"messages": []}, "too_short"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "literal_error"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "value_error"),
        ({"messages": [{**HELLO, "name": "a"}]}, "extra_forbidden"),
    ],
)
def test_wrong_dialogues_are_named(given: Any, kind: str) -> None:
    with pytest.raises(ValidationError) as caught:
        DIALOGUES.validate_python(given)
    assert kinds(caught.value)[0][0] == kind


def test_feedback_may_have_several_labels() -> None:
    id = "0123456789abcdef" * 2
    assert schemas.Feedback(id=id, label=["good", "坏"]).label == ["good", "坏"]
    for wrong, kind in (([1], "string_type"), (3, "string_type"), (["\ud800"], "value_error")):
        with pytest.raises(ValidationError) as caught:
            schemas.Feedback(id=id, label=wrong)  # type: ignore[arg-type]
        assert [fault["type"] for fault in caught.value.errors()] == [kind]


def test_an_explanation_takes_what_may_be_left_out() -> None:
    explain = schemas.requests_for(("text",), max_rows=2, explain_max_chars=10, occluded=("text", "text_pair")).explain
    assert explain.model_validate({"text": "a"}).model_dump() == {"text": "a", "text_pair": None, "label": None}
    with pytest.raises(ValidationError):
        explain.model_validate({"text_pair": "a"})
    dialogue = schemas.requests_for(("text",), max_rows=2, explain_max_chars=10, dialogues=True).explain
    assert dialogue.model_validate({"messages": [HELLO]}).model_dump()["text"].startswith('[{"role"')
    with pytest.raises(ValidationError) as caught:
        dialogue.model_validate({"messages": [{**HELLO, "content": "a" * 6}] * 2})
    assert kinds(caught.value) == [("too_many_characters", "messages")]
