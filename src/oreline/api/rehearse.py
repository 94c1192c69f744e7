"""The step `serve` of a recipe: start the real server, send it rows as a client would, and end it.

It shows what only a running server shows: how long it takes to be ready, what a request takes under load, that
every answer carries the model's version, and that draining loses none.
"""

from __future__ import annotations

import http.client
import itertools
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline.api import names
from oreline.api.extras import names_missing_extras
from oreline.api.judging import judging_rows
from oreline.api.use import LOG_FILE
from oreline.errors import OrelineError, ResourceError
from oreline.report.report import Report, Table
from oreline.runtime.open import open_task
from oreline.store import Artifact, translating
from oreline.types import Estimate, Event, OnEvent, ignore

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLIENTS = 8
"""Requests under way at once."""
ROWS_OF_MANY = 16
"""Every fifth request carries this many rows, the others one."""
READY_TIMEOUT_S = 60.0
END_TIMEOUT_S = 40.0
_ADDRESS = re.compile(r"on http://(\[[^\]]+\]|[^:/ ]+):(\d+)")


@dataclass
class _Tally:
    """What came back."""

    latencies_s: list[float] = field(default_factory=list)
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Row number → its prediction."""
    versions: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


@names_missing_extras
def serve(
    model: Any,
    *,
    rehearse: Any,
    split: str = "test",
    requests: int = 200,
    settings: dict[str, Any] | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Report:
    """Start the server on a free port, send it rows, give feedback, and let it drain.

    Args:
        model: an artifact, its folder, a home or `HOME@alias`.
        rehearse: the rows to send: a dataset, `DATASET#split`, or raw data with the model's columns.
        requests: how many requests; every fifth one carries 16 rows, the others one.
        settings: of the server, see `oreline.serve.settings.Settings`.
        out: the folder for the report and `predictions.sqlite`, which `monitor` reads.

    Raises:
        ResourceError: the server did not start, or did not end when told to.
        OrelineError: an answer was wrong or was lost.
    """
    artifact = Artifact.open(names.model_path(model))
    folder = names.output_folder("serve", out)
    with translating(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{LOG_FILE}*"):
        old.unlink()  # a rehearsal that was interrupted left it
    inputs, labels = _rows(artifact, rehearse, split, requests, seed)
    tally = _Tally()
    with _server(artifact.path, folder / LOG_FILE, settings or {}) as (address, ready_s, process):
        begun = time.monotonic()
        _send_all(address, inputs, requests, tally, on_event)
        busy_s = time.monotonic() - begun
        feedback = _give_feedback(address, tally, labels)
        drain_s = _drain(process)
    _check(artifact, inputs, tally)
    report = _report(artifact, tally, labels, {"ready_s": ready_s, "busy_s": busy_s, "drain_s": drain_s}, feedback)
    with translating(folder):
        report.save(folder)
    return report


def _rows(
    artifact: Artifact, rehearse: Any, split: str, requests: int, seed: int
) -> tuple[list[dict[str, str]], list[str | None]]:
    """Return as many rows as the requests carry, by role, and their true labels where there are any."""
    from oreline.runtime.samples import as_text

    task = open_task(artifact)
    data = judging_rows(artifact, rehearse, seed=seed)
    frame = data.frame(names.chosen_split(data, split)).sample(fraction=1.0, shuffle=True, seed=seed)
    wanted = sum(_sizes(requests))
    rows = [{role: str(row[role]) for role in task.inputs} for row in frame.head(wanted).iter_rows(named=True)]
    labels = as_text(frame.head(wanted)[task.target]).to_list() if task.target in frame.columns else [None] * len(rows)
    repeated = range(wanted)
    return [rows[i % len(rows)] for i in repeated], [labels[i % len(rows)] for i in repeated]


def _sizes(requests: int) -> list[int]:
    return [ROWS_OF_MANY if number % 5 == 4 else 1 for number in range(requests)]


# --- the server's process -----------------------------------------------------------------------------------


@contextmanager
def _server(
    model: Path, log: Path, settings: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, int], float, subprocess.Popen[str]]]:
    """Run `oreline serve` on a free port; give its address, the seconds until it was ready, and its process."""
    command = [sys.executable, "-m", "oreline", "serve", str(model), "--port", "0", "--log", str(log)]
    for name, value in settings.items():
        command += ["--set", f"settings.{name}={json.dumps(value)}"]
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        address = _address(process)
        _wait_ready(address, process)
        yield address, time.monotonic() - begun, process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _address(process: subprocess.Popen[str]) -> tuple[str, int]:
    lines: list[str] = []
    for line in process.stderr or ():
        lines.append(line.rstrip())
        if found := _ADDRESS.search(line):
            # Somebody must go on reading, or the server would block on a full pipe.
            threading.Thread(target=_read_on, args=(process.stderr,), daemon=True).start()
            return found[1].strip("[]"), int(found[2])
    raise ResourceError(
        "the server did not start: " + " ".join(lines[-6:]).strip(), remedy="oreline serve MODEL --debug"
    )


def _read_on(stream: Any) -> None:
    try:
        for _ in stream:
            pass
    except ValueError:
        return  # closed


def _wait_ready(address: tuple[str, int], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    status, body = 0, b""
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(http.client.HTTPConnection(*address, timeout=10)) as connection:
                status, body = _request(connection, "GET", "/health/ready")
            if status == 200:
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise ResourceError(f"the server was not ready within {READY_TIMEOUT_S:.0f} s: {status} {body[:300]!r}")


def _drain(process: subprocess.Popen[str]) -> float:
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise ResourceError(f"the server did not end within {END_TIMEOUT_S:.0f} s of SIGTERM") from error
    if code != 0:
        raise ResourceError(f"the server ended with code {code}")
    return time.monotonic() - begun


# --- requests -----------------------------------------------------------------------------------------------


def _send_all(
    address: tuple[str, int], rows: Sequence[dict[str, str]], requests: int, tally: _Tally, on_event: OnEvent
) -> None:
    sizes = _sizes(requests)
    starts = [0, *itertools.accumulate(sizes)]
    turn = itertools.count()

    def client() -> None:
        with closing(http.client.HTTPConnection(*address, timeout=60)) as connection:
            while (number := next(turn)) < requests:
                _send(connection, rows, range(starts[number], starts[number] + sizes[number]), tally)
                on_event(Event("requests", len(tally.latencies_s), requests))

    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(client) for _ in range(CLIENTS)]:
            done.result()


def _send(
    connection: http.client.HTTPConnection, rows: Sequence[dict[str, str]], indices: range, tally: _Tally
) -> None:
    asked = [rows[index] for index in indices]
    begun = time.perf_counter()
    status, body = _request(connection, "POST", "/predict", asked[0] if len(asked) == 1 else {"rows": asked})
    latency_s = time.perf_counter() - begun
    if status != 200:
        raise OrelineError(f"the server answered {status}: {body[:300].decode(errors='replace')}")
    answer = json.loads(body)
    found = answer["predictions"] if len(asked) > 1 else [answer]
    with tally.lock:
        tally.latencies_s.append(latency_s)
        tally.versions.add(answer["model"]["version"])
        tally.answers.update(zip(indices, found))


def _give_feedback(address: tuple[str, int], tally: _Tally, labels: Sequence[str | None]) -> int:
    known = {answer["id"]: labels[index] for index, answer in tally.answers.items() if labels[index] is not None}
    with closing(http.client.HTTPConnection(*address, timeout=60)) as connection:
        for id, label in known.items():
            status, body = _request(connection, "POST", "/feedback", {"id": id, "label": label})
            if status != 200:
                raise OrelineError(f"feedback was answered {status}: {body[:300].decode(errors='replace')}")
    return len(known)


def _request(connection: http.client.HTTPConnection, method: str, path: str, content: Any = None) -> tuple[int, bytes]:
    body = json.dumps(content).encode() if content is not None else None
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    answer = connection.getresponse()
    return answer.status, answer.read()


# --- what it showed -----------------------------------------------------------------------------------------


def _check(artifact: Artifact, rows: Sequence[Any], tally: _Tally) -> None:
    known = set(open_task(artifact).labels)
    if len(tally.answers) != len(rows):
        raise OrelineError(f"{len(rows) - len(tally.answers)} of {len(rows)} rows got no answer")
    if tally.versions != {artifact.version}:
        raise OrelineError(f"answers came from {sorted(tally.versions)}, not from version {artifact.version}")
    given = [answer["label"] for answer in tally.answers.values() if answer.get("label") is not None]
    if wrong := next((label for label in given if label not in known), None):
        raise OrelineError(f"the server answered the label {wrong!r}, which the model does not have")


def _report(
    artifact: Artifact, tally: _Tally, labels: Sequence[str | None], times_s: Mapping[str, float], feedback: int
) -> Report:
    latencies_ms = np.asarray(tally.latencies_s) * 1000
    told = [(answer.get("label"), labels[row]) for row, answer in tally.answers.items()]
    correct = np.asarray([said == true for said, true in told if said is not None and true is not None], float)
    metrics = {f"latency_p{p}_ms": quantile(latencies_ms, p / 100) for p in (50, 90, 99)}
    if len(correct):
        metrics["accuracy"] = mean(correct)
    rows_per_s = len(tally.answers) / times_s["busy_s"]
    return Report(
        verb="serve",
        title="Rehearsal of serving",
        subject={"artifact": artifact.id, "version": artifact.version},
        metrics=metrics,
        facts={
            "requests": len(latencies_ms),
            "clients": CLIENTS,
            "rows": len(tally.answers),
            "lost": 0,
            "feedback": feedback,
            "rows_per_s": round(rows_per_s, 1),
            "ready_s": round(times_s["ready_s"], 2),
            "drain_s": round(times_s["drain_s"], 2),
        },
        tables=[
            Table(
                "Requests",
                ("rows in a request", "requests"),
                [(size, _sizes(len(latencies_ms)).count(size)) for size in (1, ROWS_OF_MANY)],
                note=f"{CLIENTS} at once, sent as fast as they were answered (closed loop)",
            )
        ],
    )


def quantile(values_N: NDArray[np.float64], share: float) -> Estimate:
    """Estimate a quantile, with a 95 % interval from order statistics (the rank is binomial; no normality assumed).

    >>> quantile(np.arange(1.0, 102.0), 0.5)
    Estimate(value=51.0, low=41.0, high=60.0, n=101)
    """
    ordered_N = np.sort(values_N)
    n = len(ordered_N)
    spread = 1.96 * (n * share * (1 - share)) ** 0.5
    low, high = (int(np.clip(round(n * share + sign * spread), 1, n)) - 1 for sign in (-1, 1))
    return Estimate(float(np.quantile(ordered_N, share)), float(ordered_N[low]), float(ordered_N[high]), n)


def mean(values_N: NDArray[np.float64]) -> Estimate:
    """Estimate a share with its 95 % Wilson interval."""
    from oreline.evaluate.estimates import wilson

    share, n = float(values_N.mean()), len(values_N)
    return Estimate(share, *wilson(share, n), n)
