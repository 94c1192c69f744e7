"""`/v1/chat/completions` as OpenAI's clients send it and read it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from oreline.errors import UsageError
from oreline.generation import Generation
from oreline.monitor.log import PredictionLog
from oreline.serve.completions import FIELDS, PATH, CompletionRequest, asked_generation

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def client(talker: Path, make_client: Callable[..., TestClient]) -> TestClient:
    """A server of a small chat model."""
    return make_client(talker, max_rows=4)


def ask(client: TestClient, **body: Any) -> dict[str, Any]:
    """The answer to a request."""
    answer = client.post(PATH, json={"messages": HELLO, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def events(text: str) -> list[Any]:
    """What server-sent events say."""
    return [json.loads(line.removeprefix("data: ")) for line in text.split("\n\n") if line and "[DONE]" not in line]


def test_an_answer_is_that_of_predict(client: TestClient) -> None:
    answer = ask(client, model="any", user="somebody")
    [choice] = answer["choices"]
    expected = client.post("/predict", json={"messages": HELLO}).json()
    assert choice["message"] == {"role": "assistant", "content": expected["text"], "refusal": None}
    assert (answer["object"], choice["index"], choice["finish_reason"]) == ("chat.completion", 0, "length")
    assert answer["model"] == expected["model"]["id"]
    assert answer["usage"]["completion_tokens"] == 40
    assert answer["usage"]["total_tokens"] == 40 + answer["usage"]["prompt_tokens"]
    assert answer["warnings"] == []


def test_a_stream_says_the_same_in_pieces(client: TestClient) -> None:
    whole = ask(client, seed=3, temperature=0.7)["choices"][0]["message"]["content"]
    body = {"messages": HELLO, "stream": True, "stream_options": {"include_usage": True}, "seed": 3, "temperature": 0.7}
    answer = client.post(PATH, json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-oreline-model"]
    assert answer.text.endswith("data: [DONE]\n\n")
    first, *parts, last, usage = events(answer.text)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(part["choices"][0]["delta"]["content"] for part in parts) == whole
    assert len(parts) > 1
    assert (last["choices"][0]["finish_reason"], last["choices"][0]["delta"]) == ("length", {})
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], 40)
    assert {event["object"] for event in (first, last, usage)} == {"chat.completion.chunk"}
    assert len({event["id"] for event in (first, *parts, last, usage)}) == 1


def test_a_request_says_how_it_is_answered(client: TestClient) -> None:
    plain = ask(client)["choices"][0]["message"]["content"]
    assert ask(client, max_tokens=3)["usage"]["completion_tokens"] == 3
    assert ask(client, max_completion_tokens=2, max_tokens=9)["usage"]["completion_tokens"] == 2
    middle = plain[len(plain) // 2 : len(plain) // 2 + 2]
    stopped = ask(client, stop=[middle])["choices"][0]
    assert (stopped["message"]["content"], stopped["finish_reason"]) == (plain[: plain.find(middle)].rstrip(), "stop")
    drawn = [ask(client, temperature=2, max_tokens=8)["choices"][0]["message"]["content"] for _ in range(3)]
    assert len(set(drawn)) > 1  # without a seed others are drawn every time
    parts = [{"role": "developer", "content": [{"type": "text", "text": "s"}]}, *HELLO]
    asked_otherwise = [{"role": "system", "content": "s"}, *HELLO]
    assert ask(client, messages=parts)["choices"] == ask(client, messages=asked_otherwise)["choices"]


def test_what_the_model_does_by_itself_is_kept_where_nothing_is_said() -> None:
    def made(own: Generation, **said: Any) -> dict[str, Any]:
        body = CompletionRequest(messages=HELLO, **said)
        return asked_generation(body, own).model_dump(exclude_defaults=True)

    beams = Generation(num_beams=4, num_answers=2, length_penalty=2.0, max_new_tokens=9)
    assert made(beams) == {"max_new_tokens": 9}
    assert made(beams, temperature=0.5, top_p=0.9) == {"max_new_tokens": 9, "temperature": 0.5, "top_p": 0.9}
    assert made(beams, temperature=0, top_p=0.9, top_k=5) == {"max_new_tokens": 9}
    assert made(beams, top_p=0.9) == {"max_new_tokens": 9, "temperature": 1.0, "top_p": 0.9}
    sampling = Generation(temperature=0.8, top_p=0.5)
    assert made(sampling) == {"temperature": 0.8, "top_p": 0.5}
    assert made(sampling, temperature=0) == {}


@pytest.mark.parametrize(
    ("body", "said", "param"),
    [
        ({"messages": []}, "is empty", "messages"),
        ({"messages": [*HELLO, *HELLO]}, "two users in a row", "messages"),
        ({"messages": [*HELLO, {"role": "assistant", "content": "a"}]}, "nothing to answer", "messages"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "'system', 'developer'", "messages.0.role"),
        ({"n": 2}, "Input should be 1", "n"),
        ({"temprature": 1}, "did you mean 'temperature'", "temprature"),
        ({"temperature": 3}, "less than or equal to 2", "temperature"),
        ({"presence_penalty": 1}, "less than or equal to 0", "presence_penalty"),
        ({"max_tokens": 500}, "500", None),
    ],
)
def test_errors_have_the_form_that_their_clients_read(client: TestClient, body: dict, said: str, param: str) -> None:
    for stream in (False, True):
        answer = client.post(PATH, json={"messages": HELLO, "stream": stream, **body})
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert said in error["message"]
        assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, None)


def test_the_token_and_the_queue_are_those_of_every_route(
    talker: Path, make_client: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORELINE_TOKEN", "secret")
    client = make_client(talker, queue_rows=1, max_rows=1)
    answer = client.post(PATH, json={"messages": HELLO})
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")
    batcher = client.app.state.service.batcher
    monkeypatch.setattr(batcher, "_num_waiting", 1)
    answer = client.post(PATH, json={"messages": HELLO}, headers={"Authorization": "Bearer secret"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (429, "rate_limit_error")
    assert int(answer.headers["retry-after"]) >= 1


def test_a_late_answer_says_so_in_the_stream_and_ends(talker: Path, make_client: Callable[..., TestClient]) -> None:
    client = make_client(talker, deadline_s=0.3)
    runtime = client.app.state.service.live.current.runtime
    forward, go_on = runtime.model.forward, threading.Event()
    passes = []

    def slow(*given: Any, **named: Any) -> Any:
        passes.append(1)
        if len(passes) > 2:
            go_on.wait(timeout=0.4)
        return forward(*given, **named)

    runtime.model.forward = slow
    try:
        answer = client.post(PATH, json={"messages": HELLO, "stream": True})
    finally:
        go_on.set()
        runtime.model.forward = forward
    *_, last = events(answer.text)
    assert "not ready in time" in last["error"]["message"]
    assert "[DONE]" not in answer.text
    assert len(passes) < 10  # of 40 tokens no more were written


@pytest.mark.parametrize("stream", [True, False])
def test_of_a_client_that_goes_nothing_more_is_written(talker: Path, serve: Any, stream: bool) -> None:
    host, port = serve(talker)
    batcher, model = serve.service.batcher, serve.service.live.current.runtime.model
    forward, passes, reached = model.forward, [], threading.Event()

    def counted(*given: Any, **named: Any) -> Any:
        passes.append(1)
        if len(passes) == 4:
            reached.set()
        if len(passes) >= 4:
            time.sleep(0.05)  # 40 tokens would take 2 s
        return forward(*given, **named)

    model.forward = counted
    body = json.dumps({"messages": HELLO, "stream": stream}).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, port)) as connection:
        connection.sendall(head.encode() + body)
        assert reached.wait(timeout=10)
        if stream:
            assert b"chat.completion.chunk" in connection.recv(65536)
    while batcher.num_waiting:
        time.sleep(0.01)
    model.forward = forward
    assert serve.service.unlogged == {}
    with httpx.Client() as other:  # the model is free for others
        answer = other.post(f"http://{host}:{port}{PATH}", json={"messages": HELLO, "max_tokens": 2}, timeout=30)
    assert answer.status_code == 200
    assert len(passes) < 35


def test_dialogues_that_are_too_long_lose_their_oldest_turns_and_say_so(client: TestClient) -> None:
    turns = [{"role": ("user", "assistant")[number % 2], "content": "plot " * 12} for number in range(7)]
    assert ask(client, messages=turns, max_tokens=2)["warnings"]


def test_answers_are_logged_and_take_feedback(client: TestClient, tmp_path: Path) -> None:
    answer = ask(client, max_tokens=2)
    assert client.post("/feedback", json={"id": answer["id"], "label": "red"}).status_code == 200
    log = PredictionLog(tmp_path / "log.sqlite", create=False)
    [row] = log.feedback_rows()
    log.close()
    assert json.loads(row["text"]) == HELLO
    assert row["label"] == "red"


def test_other_models_have_no_such_route(make_client: Callable[..., TestClient], client: TestClient) -> None:
    assert make_client().post(PATH, json={"messages": HELLO}).status_code == 404
    with pytest.raises(UsageError, match="writes nothing"):
        make_client().app.state.service.live.current.writing(Generation())


def test_the_fields_are_those_of_the_request() -> None:
    assert tuple(CompletionRequest.model_fields) == FIELDS


def test_an_answer_is_explained_by_the_words_of_the_last_turn(client: TestClient) -> None:
    messages = [{"role": "user", "content": "what is the colour"}]
    answer = client.post("/explain", json={"messages": messages, "label": "red"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["label"], body["number"], body["texts"]) == ("red", "probability", {"text": "what is the colour"})
    assert [word["word"] for word in body["words"]] == ["what", "is", "the", "colour"]
    assert 0 < body["score"] < 1
    alone = client.post("/explain", json={"text": "what is the colour", "label": "red"}).json()
    assert alone["words"] == body["words"]
    assert client.post("/explain", json={"label": "red"}).status_code == 422
