"""What every request passes first, over the wire where it matters: bodies in pieces, slow bodies, clients that go."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable

import httpx
import pytest
from fastapi.testclient import TestClient

from oreline.store import Artifact
from oreline.types import Encoded, Predictions, Runtime

Exchange = Callable[[bytes], tuple[int, dict[str, str], bytes]]


def _read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            break
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return int(lines[0].split()[1]), headers, body


def _request(body: bytes, *headers: str) -> bytes:
    lines = ["POST /predict HTTP/1.1", "Host: x", "Content-Type: application/json", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def _hold(runtime: Runtime) -> tuple[threading.Event, threading.Event]:
    """Make the model wait: returns the event that lets it go on, and the one that it sets when it has a batch."""
    gate, entered, forward = threading.Event(), threading.Event(), runtime.forward

    def held(encoded: Encoded, *, embeddings: bool = False) -> Predictions:
        entered.set()
        assert gate.wait(timeout=60)
        return forward(encoded, embeddings=embeddings)

    runtime.forward = held
    return gate, entered


def test_a_declared_body_of_ten_megabytes_is_refused_unread(serve) -> None:
    with socket.create_connection(serve()) as connection:
        connection.sendall(_request(b"", "Content-Length: 10000000"))
        status, headers, body = _read_answer(connection)
    assert status == 413
    assert json.loads(body)["error"]["allowed"] == "at most 1,048,576 bytes"
    assert headers["connection"] == "close"


@pytest.mark.parametrize(("guard", "status"), [("size", 413), ("draining", 503)])
def test_a_client_that_sends_all_of_its_body_before_it_reads_gets_the_answer(serve, guard: str, status: int) -> None:
    host, port = serve()
    if guard == "draining":
        serve.service.drain()
    with contextlib.closing(http.client.HTTPConnection(host, port, timeout=20)) as connection:
        connection.request("POST", "/predict", json.dumps({"text": "x" * 10_000_000}))  # raises where it is cut off
        answer = connection.getresponse()
        assert answer.status == status
        assert json.loads(answer.read())["error"]["what"]


def test_a_refused_body_is_not_read_for_ever(serve) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with socket.create_connection(serve(body_timeout_s=0.2)) as connection:
        connection.settimeout(20)
        connection.sendall(_request(chunk * 32, "Transfer-Encoding: chunked"))
        assert _read_answer(connection)[0] == 413
        assert connection.recv(1) == b"", "closed by the server, though the body has not ended"


def test_a_chunked_body_without_a_length_is_refused_when_it_grows_too_large(serve) -> None:
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    with socket.create_connection(serve(max_body_bytes=100_000)) as connection:
        connection.sendall(_request(chunk * 4, "Transfer-Encoding: chunked"))
        status, headers, _ = _read_answer(connection)
    assert status == 413
    assert headers["connection"] == "close"


def test_a_chunked_body_within_the_limit_is_served(serve) -> None:
    pieces = b'9\r\n{"text": \r\nd\r\n"great film"}\r\n0\r\n\r\n'
    with socket.create_connection(serve()) as connection:
        connection.sendall(_request(pieces, "Transfer-Encoding: chunked"))
        status, _, body = _read_answer(connection)
    assert status == 200
    assert json.loads(body)["label"] == "fresh"


def test_a_body_that_does_not_come_is_given_up(serve) -> None:
    with socket.create_connection(serve(body_timeout_s=0.1)) as connection:
        connection.sendall(_request(b'{"te', "Content-Length: 20"))
        status, headers, _ = _read_answer(connection)
    assert status == 408
    assert headers["connection"] == "close"


def test_rows_of_a_client_that_has_gone_are_dropped(serve) -> None:
    address = serve()
    service = serve.service
    gate, entered = _hold(service.live.current.runtime)
    body = b'{"text": "great"}'
    first = socket.create_connection(address)
    first.sendall(_request(body, f"Content-Length: {len(body)}"))
    assert entered.wait(timeout=60)
    with socket.create_connection(address) as leaving:
        leaving.sendall(_request(body, f"Content-Length: {len(body)}"))
        while service.batcher.num_waiting < 2:
            time.sleep(0.005)
    while service.batcher.num_waiting > 1:  # the client's leaving is seen while the model is still busy
        time.sleep(0.005)
    gate.set()
    assert _read_answer(first)[0] == 200
    first.close()
    dropped = service.meters.registry.get_sample_value("oreline_rows_dropped_total", {"reason": "cancelled"})
    assert dropped == 1


def test_an_overloaded_server_says_when_to_come_back(make_client: Callable[..., TestClient]) -> None:
    client = make_client(queue_rows=2, max_rows=2)
    service = client.app.state.service
    gate, entered = _hold(service.live.current.runtime)
    waiting = service.batcher.submit({"text": ["a", "b"]}, 2, deadline_s=30)
    assert entered.wait(timeout=60)
    answer = client.post("/predict", json={"text": "great"})
    gate.set()
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "queue_rows = 2" in answer.json()["error"]["allowed"]
    assert waiting.result(timeout=60)
    assert client.post("/predict", json={"text": "great"}).status_code == 200


def test_a_late_answer_is_a_504(make_client: Callable[..., TestClient]) -> None:
    client = make_client(deadline_s=0.05)
    gate, _ = _hold(client.app.state.service.live.current.runtime)
    answer = client.post("/predict", json={"text": "great"})
    gate.set()
    assert answer.status_code == 504
    assert "within 0.05 s" in answer.json()["error"]["what"]


def test_a_failing_model_is_a_500_without_its_traceback(make_client: Callable[..., TestClient], caplog) -> None:
    client = make_client()
    runtime = client.app.state.service.live.current.runtime

    def broken(encoded, *, embeddings=False):
        raise RuntimeError("secret detail")

    runtime.forward = broken
    answer = client.post("/predict", json={"text": "great"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "secret detail" in caplog.text
    assert client.get("/health/ready").status_code == 503


def _names(answer: httpx.Response, artifact: Artifact) -> bool:
    """Whether an answer says which model gave it."""
    found = [answer.headers.get(f"x-oreline-{name}") for name in ("model", "version", "precision")]
    return found == [artifact.id, artifact.version, "fp32"]


def test_every_refusal_names_the_model(
    make_client: Callable[..., TestClient], artifact: Artifact, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    """Whoever looks into a failure must not have to guess which version it was."""
    monkeypatch.setenv("ORELINE_TOKEN", "secret")
    client = make_client(queue_rows=2, max_rows=2, deadline_s=0.1, explain_max_chars=50)
    client.headers["Authorization"] = "Bearer secret"
    service, row, id = client.app.state.service, {"text": "great"}, "0" * 32
    answers = {
        401: client.post("/predict", json=row, headers={"Authorization": "Bearer wrong"}),
        404: client.post("/feedback", json={"id": id, "label": "fresh"}),
        405: client.get("/predict"),
        413: client.post("/predict", json={"text": "x" * 2_000_000}),
        422: client.post("/predict", json={"txt": "great"}),
    }
    others = [
        client.delete(f"/predictions/{id}"),
        client.get("/nope"),
        client.post("/explain", json={"text": "x" * 60}),
    ]
    gate, entered = _hold(service.live.current.runtime)
    waiting = service.batcher.submit({"text": ["a", "b"]}, 2, deadline_s=30)
    assert entered.wait(timeout=60)
    answers[429] = client.post("/predict", json=row)
    gate.set()
    waiting.result(timeout=60)
    gate.clear()
    answers[504] = client.post("/predict", json=row)
    gate.set()
    service.live.current.runtime.forward = None  # not callable: a fault of the server's own
    answers[500] = client.post("/predict", json=row)
    service.drain()
    answers[503] = client.post("/predict", json=row)
    assert {status: answer.status_code for status, answer in answers.items()} == {status: status for status in answers}
    assert [answer.status_code for answer in others] == [404, 404, 422]
    lacking = [answer for answer in (*answers.values(), *others) if not _names(answer, artifact)]
    assert lacking == []


def test_a_slow_body_is_told_the_model_too(serve, artifact: Artifact) -> None:
    with socket.create_connection(serve(body_timeout_s=0.1)) as connection:
        connection.sendall(_request(b'{"te', "Content-Length: 20"))
        status, headers, _ = _read_answer(connection)
    assert status == 408
    assert (headers["x-oreline-model"], headers["x-oreline-version"]) == (artifact.id, artifact.version)


def test_every_other_answer_names_the_model(client: TestClient, artifact: Artifact) -> None:
    first, second = client.post("/predict", json={"rows": [{"text": "great"}, {"text": "dull"}]}).json()["predictions"]
    for answer in (
        client.post("/feedback", json={"id": first["id"], "label": "fresh"}),
        client.delete(f"/predictions/{second['id']}"),
    ):
        assert answer.status_code == 200
        assert answer.json()["model"] == {"id": artifact.id, "version": artifact.version, "precision": "fp32"}
        assert _names(answer, artifact)
    for path in ("/metrics", "/docs", "/openapi.json", "/health/live", "/health/ready"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert _names(answer, artifact), path


def test_a_draining_server_refuses_new_requests_and_keeps_its_probes(make_client: Callable[..., TestClient]) -> None:
    client = make_client()
    client.app.state.service.drain()
    answer = client.post("/predict", json={"text": "great"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["connection"] == "close"
    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/live").status_code == 200
    assert "oreline_draining 1.0" in client.get("/metrics").text


def test_a_second_explanation_at_once_is_refused(make_client: Callable[..., TestClient]) -> None:
    client = make_client()
    service = client.app.state.service
    gate, entered = _hold(service.live.current.runtime)
    answers: list[int] = []
    first = threading.Thread(
        target=lambda: answers.append(client.post("/explain", json={"text": "a great film"}).status_code)
    )
    first.start()
    assert entered.wait(timeout=60)
    assert client.post("/explain", json={"text": "a dull film"}).status_code == 429
    gate.set()
    first.join(timeout=60)
    assert answers == [200]
    assert client.post("/explain", json={"text": "a dull film"}).status_code == 200


def test_waiting_for_a_slow_answer_blocks_nobody(serve) -> None:
    """A hundred requests at once over a hundred connections all get their answer."""
    address = serve()

    async def ask(number: int) -> int:
        reader, writer = await asyncio.open_connection(*address)
        body = json.dumps({"text": f"a great film {number}"}).encode()
        writer.write(_request(body, f"Content-Length: {len(body)}", "Connection: close"))
        data = await reader.read()
        writer.close()
        return int(data.split()[1])

    async def everybody() -> list[int]:
        return await asyncio.gather(*(ask(number) for number in range(100)))

    assert asyncio.run(everybody()) == [200] * 100
