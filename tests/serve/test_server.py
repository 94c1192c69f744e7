"""The process as a whole: its port, its signals, and swaps under load. Real servers, real sockets, real signals."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oreline.errors import ResourceError, UsageError
from oreline.monitor.log import PredictionLog
from oreline.serve.app import create_app
from oreline.serve.server import run
from oreline.serve.settings import Settings
from oreline.store import Artifact, add_version, set_aliases

SERVE = """
import json, logging, sys, time
from oreline.serve.app import create_app
from oreline.serve.server import run
from oreline.serve.settings import Settings
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
model, options, slow_s = sys.argv[1], json.loads(sys.argv[2]), float(sys.argv[3])
app = create_app(model, settings=Settings(**options))
runtime = app.state.service.live.current.runtime
forward = runtime.forward
def slow(encoded, *, embeddings=False):
    time.sleep(slow_s)
    return forward(encoded, embeddings=embeddings)
if slow_s:
    runtime.forward = slow
run(app, "127.0.0.1", 0, on_event=lambda event: print(event.message, flush=True))
"""


class Process:
    """A server in a process of its own."""

    def __init__(self, model: Path, options: dict[str, object], slow_s: float = 0.0) -> None:
        command = [sys.executable, "-c", SERVE, str(model), json.dumps(options), str(slow_s)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.greeting = self.process.stdout.readline()
        found = re.search(r"http://([\d.]+):(\d+)", self.greeting)
        assert found, self.process.communicate()[1]
        self.address = found[1], int(found[2])
        while self.get("/health/live")[0] != 200:
            time.sleep(0.01)

    def request(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        try:
            return self.request("GET", path)
        except ConnectionRefusedError:
            return 0, {}, b""

    def predict(self, text: str) -> tuple[int, dict[str, str], bytes]:
        return self.request("POST", "/predict", {"text": text})

    def wait(self) -> int:
        return self.process.wait(timeout=30)


@pytest.fixture
def start(model: Path, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    running: list[Process] = []

    def start(path: Path = model, *, slow_s: float = 0.0, **options: object) -> Process:
        running.append(Process(path, {"log_url": str(tmp_path / "log.sqlite"), **options}, slow_s))
        return running[-1]

    yield start
    for server in running:
        server.process.kill()
        server.process.communicate()


def test_sigterm_finishes_accepted_requests_and_refuses_new_ones(start: Callable[..., Process], tmp_path: Path) -> None:
    server = start(slow_s=0.4, drain_notice_s=0.8)
    answers: list[tuple[int, dict[str, str], bytes]] = []
    clients = [
        threading.Thread(target=lambda n=number: answers.append(server.predict(f"great {n}"))) for number in range(6)
    ]
    for client in clients:
        client.start()
    while json_metric(server, "oreline_queue_rows") < 6:
        time.sleep(0.01)
    server.process.send_signal(signal.SIGTERM)
    while server.get("/health/ready")[0] != 503:
        time.sleep(0.005)
    status, headers, _ = server.predict("late")
    assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
    assert server.get("/health/live")[0] == 200
    for client in clients:
        client.join(timeout=60)
    assert [status for status, _, _ in answers] == [200] * 6
    assert server.wait() == 0
    log = PredictionLog(tmp_path / "log.sqlite", create=False)
    assert log.count() == 6, "the log is flushed before the end"
    log.close()
    with pytest.raises(OSError):
        socket.create_connection(server.address, timeout=1)


def test_requests_that_take_too_long_do_not_hold_the_end_up(start: Callable[..., Process]) -> None:
    server = start(slow_s=20, drain_notice_s=0, drain_s=0.3, deadline_s=60, log=False)
    answers: list[int] = []
    client = threading.Thread(target=lambda: answers.append(_status_or_cut(server)))
    client.start()
    while json_metric(server, "oreline_queue_rows") < 1:
        time.sleep(0.01)
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    client.join(timeout=60)
    assert answers
    assert answers[0] in {503, 0}, "told so, or cut off: never a wrong answer"


def _status_or_cut(server: Process) -> int:
    try:
        return server.predict("great")[0]
    except (http.client.HTTPException, OSError):
        return 0


def test_sigint_needs_no_notice(start: Callable[..., Process]) -> None:
    server = start(drain_notice_s=60)
    server.process.send_signal(signal.SIGINT)
    assert server.wait() == 0


def test_a_second_signal_ends_at_once(start: Callable[..., Process]) -> None:
    server = start(drain_notice_s=60)
    server.process.send_signal(signal.SIGTERM)
    while server.get("/health/ready")[0] != 503:
        time.sleep(0.005)
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0


def test_the_greeting_names_model_address_and_log(start: Callable[..., Process], artifact: Artifact) -> None:
    greeting = start().greeting
    assert artifact.version in greeting
    assert "/docs" in greeting
    assert "log.sqlite" in greeting


def json_metric(server: Process, name: str) -> float:
    text = server.get("/metrics")[2].decode()
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")))


# --- swaps ---


@pytest.fixture
def home(tmp_path: Path, make_model) -> tuple[Path, list[str]]:
    home = tmp_path / "home"
    versions = [
        add_version(home, Artifact.open(make_model(name, strength=strength))).version
        for name, strength in (("one", 0.1), ("two", 0.5))
    ]
    set_aliases(home, {"champion": versions[0]})
    return home, versions


def test_no_request_is_lost_while_versions_change(start: Callable[..., Process], home: tuple[Path, list[str]]) -> None:
    """Clients send without pause while the champion changes back and forth; every answer is of one whole version."""
    path, versions = home
    server = start(path, follow_s=0.02)
    texts = ["great", "dull film", "a wonderful and tedious plot"]
    expected = {version: _scores(path / "versions" / version, texts) for version in versions}
    over, seen, wrong = threading.Event(), Counter[str](), []

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection(*server.address)
        turn = number
        while not over.is_set():
            text = texts[turn % len(texts)]
            body = json.dumps({"text": text}).encode()
            head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            writer.write(head.encode() + b"\r\n\r\n" + body)
            status, headers, answer = await _read(reader)
            version = headers.get("x-oreline-version", "")
            seen[version] += 1
            scores = list(answer["scores"].values()) if status == 200 else None
            if (
                status != 200
                or answer["model"]["version"] != version
                or not _close(scores, expected[version][turn % len(texts)])
            ):
                wrong.append((status, version, answer))
            turn += 1
        writer.close()

    async def promote() -> None:
        for number in range(12):
            version = versions[(number + 1) % 2]
            set_aliases(path, {"champion": version})
            before = seen[version]
            until = time.monotonic() + 60
            while seen[version] < before + 5 and time.monotonic() < until:
                await asyncio.sleep(0.01)
            assert seen[version] >= before + 5, "the promoted version answers"
        over.set()

    async def everything() -> None:
        try:
            await asyncio.gather(promote(), *(client(number) for number in range(8)))
        finally:
            over.set()

    asyncio.run(everything())
    assert wrong == []
    assert json_metric(server, "oreline_model_swaps_total") == 12
    until = time.monotonic() + 60
    while json_metric(server, "oreline_models_loaded") > 1:
        assert time.monotonic() < until, "the old versions are freed"
        time.sleep(0.05)


def test_a_failed_swap_shows_and_the_old_version_serves_on(
    start: Callable[..., Process], home: tuple[Path, list[str]]
) -> None:
    path, (one, two) = home
    server = start(path, follow_s=0.02)
    weights = path / "versions" / two / "linear.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    set_aliases(path, {"champion": two})
    while not (failure := json.loads(server.get("/health/ready")[2])["failed_swap"]):
        time.sleep(0.01)
    assert "linear.safetensors" in failure
    assert json_metric(server, "oreline_model_load_failed") == 1
    status, headers, _ = server.predict("great")
    assert (status, headers["x-oreline-version"]) == (200, one)


def _scores(folder: Path, texts: list[str]) -> list[list[float]]:
    from oreline.runtime.open import open_runtime

    scores: list[list[float]] = open_runtime(folder).predict({"text": texts}).outputs["scores"].tolist()
    return scores


def _close(got: list[float] | None, expected: list[float]) -> bool:
    return got is not None and all(abs(a - b) < 2e-6 for a, b in zip(got, expected, strict=True))


async def _read(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], dict]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
    body = await reader.readexactly(int(headers["content-length"]))
    return int(head[0].split()[1]), headers, json.loads(body)


# --- what prevents a start ---


def test_a_port_in_use_is_named_with_a_remedy(model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ResourceError, match=f"port {port} is in use") as caught:
            run(create_app(model, settings=Settings(log=False)), "127.0.0.1", port)
    assert f"--port {port + 1}" in caught.value.remedy
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("127.0.0.1", -1), ("no such host.invalid", 8080)])
def test_a_wrong_address_is_a_usage_error(model: Path, host: str, port: int) -> None:
    with pytest.raises(UsageError):
        run(create_app(model, settings=Settings(log=False)), host, port)


def test_an_address_of_another_machine_is_refused(model: Path) -> None:
    with pytest.raises(ResourceError, match="cannot listen on 192"):
        run(create_app(model, settings=Settings(log=False)), "192.0.2.1", 8080)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may listen everywhere")
def test_a_privileged_port_needs_permission(model: Path) -> None:
    with pytest.raises(ResourceError, match="no permission"):
        run(create_app(model, settings=Settings(log=False)), "127.0.0.1", 81)


def test_a_log_that_cannot_be_opened_prevents_the_start(model: Path, tmp_path: Path) -> None:
    app = create_app(model, settings=Settings(log_url=str(tmp_path / "missing" / "log.sqlite")))
    with pytest.raises(UsageError, match="folder does not exist"):
        run(app, "127.0.0.1", 0)
