"""A served model under open-loop load: requests arrive on a schedule of their own, whether or not others were answered.

First the capacity is measured: clients that always have a request under way, for some seconds. Then requests of one
text arrive as a Poisson process at 0.5, 1 and 3 times that rate. A latency runs from the moment that a request was due,
so that a client which falls behind hides nothing. Texts are the model's own reference rows.

* answered: 200; refused: 429 or 503, with Retry-After; late: 504; lost: no answer at all, which must be 0.
* of limit: rows answered a second, as a share of what the runtime does alone on the same texts, sorted by length.

The load comes from this process; on two cores it takes its share of them.

    python benchmarks/serve_load.py --model runs/quickstart/int8 --seconds 20
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oreline.runtime.open import open_runtime
from oreline.runtime.samples import read_samples
from startup import is_ready, read_address

_IDLE_S = 2.0
"""Connections idle for longer are not used again: the server closes them after five seconds."""
_TIMEOUT_S = 60.0
_REFUSED = {429, 503}


def main() -> None:
    """Measure one model and print one table and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each load")
    parser.add_argument("--factors", type=float, nargs="*", default=[0.5, 1.0, 3.0], help="times the capacity")
    parser.add_argument("--clients", type=int, default=64, help="requests under way while capacity is measured")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    runtime = open_runtime(given.model)
    texts = read_samples(runtime.artifact, "reference")["text"].to_list()
    limit = offline_rows_per_s(runtime, texts)
    del runtime
    loads = []
    with tempfile.TemporaryDirectory() as scratch:
        process, address = start(given.model, Path(scratch) / "log.sqlite")
        try:
            capacity = asyncio.run(closed_loop(address, texts, given.clients, given.seconds / 2))
            for factor in given.factors:
                tally = asyncio.run(open_loop(address, texts, factor * capacity, given.seconds, given.seed))
                loads.append({"factor": factor, **tally.summary(limit)})
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=_TIMEOUT_S)
    print_table(capacity, limit, loads)
    machine = {"cores": len(os.sched_getaffinity(0)), "processor": platform.machine()}
    measured = {"model": str(given.model), "capacity_per_s": capacity, "limit_per_s": limit, "loads": loads}
    print(json.dumps({"benchmark": "serve_load", "machine": machine, **measured}))


def offline_rows_per_s(runtime: Any, texts: list[str], seconds: float = 5.0) -> float:
    """Return what the runtime does without a server: the limit."""
    runtime.predict({"text": texts[:64]})
    rows, begun_s = 0, time.perf_counter()
    while time.perf_counter() - begun_s < seconds:
        runtime.predict({"text": texts}, embeddings=True)
        rows += len(texts)
    return rows / (time.perf_counter() - begun_s)


def start(model: Path, log: Path) -> tuple[subprocess.Popen[str], tuple[str, int]]:
    """Start `oreline serve` and wait until it is ready."""
    command = [sys.executable, "-m", "oreline", "serve", str(model), "--port", "0", "--log", str(log)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    address = read_address(process)
    while not is_ready(address):
        time.sleep(0.05)
    return process, address


@dataclass
class Tally:
    """What came back."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    """Status → requests; 0 is a request without an answer."""
    latencies_s: list[float] = field(default_factory=list)
    """Of the answered ones."""
    without_retry_after: int = 0

    def summary(self, limit: float) -> dict[str, Any]:
        """Return one row of the table."""
        answered = self.statuses[200]
        refused = sum(self.statuses[status] for status in _REFUSED)
        known = {200, 504, 0} | _REFUSED
        return {
            "sent": self.statuses.total(),
            "offered_per_s": self.statuses.total() / self.seconds,
            "answered_per_s": answered / self.seconds,
            "of_limit": answered / self.seconds / limit,
            "p50_ms": 1000 * percentile(self.latencies_s, 0.5),
            "p99_ms": 1000 * percentile(self.latencies_s, 0.99),
            "answered": answered,
            "refused": refused,
            "late": self.statuses[504],
            "lost": self.statuses[0],
            "other": sum(count for status, count in self.statuses.items() if status not in known),
            "refused_without_retry_after": self.without_retry_after,
        }


class Pool:
    """Keep-alive connections, as many as are needed at once."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, text: str) -> tuple[int, bool]:
        """Send one text; return the status, 0 when no answer came, and whether Retry-After was in it."""
        body = json.dumps({"text": text}).encode()
        lines = ["POST /predict HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {len(body)}"]
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._connection() as (reader, writer):
                writer.write("\r\n".join([*lines, "", ""]).encode() + body)
                answer = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(answer.split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                if b"connection: close" in answer:
                    raise ConnectionResetError
        except ConnectionResetError:
            pass
        except (OSError, EOFError, TimeoutError, asyncio.IncompleteReadError):
            return 0, False
        return int(answer.split()[1]), b"retry-after:" in answer

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        while self._idle:
            since_s, reader, writer = self._idle.pop()
            if time.monotonic() - since_s < _IDLE_S and not reader.at_eof():
                break
            writer.close()
        else:
            reader, writer = await asyncio.open_connection(*self._address)
        try:
            yield reader, writer
        except BaseException:
            writer.close()
            raise
        self._idle.append((time.monotonic(), reader, writer))


async def closed_loop(address: tuple[str, int], texts: list[str], clients: int, seconds: float) -> float:
    """Return the answers a second while every client always has a request under way."""
    pool, answered, until_s = Pool(address), 0, 0.0

    async def client(number: int) -> None:
        nonlocal answered
        turn = number
        while time.perf_counter() < until_s:
            status, _ = await pool.ask(texts[turn % len(texts)])
            answered += status == 200
            turn += clients

    for count_s in (1.0, seconds):  # the first second warms up
        answered, begun_s = 0, time.perf_counter()
        until_s = begun_s + count_s
        await asyncio.gather(*(client(number) for number in range(clients)))
    return answered / (time.perf_counter() - begun_s)


async def open_loop(address: tuple[str, int], texts: list[str], rate: float, seconds: float, seed: int) -> Tally:
    """Send a Poisson stream of single texts and wait for all answers."""
    source, pool, tally, under_way = random.Random(seed), Pool(address), Tally(), set()
    begun_s = time.perf_counter()

    async def send(text: str, due_s: float) -> None:
        status, says_when = await pool.ask(text)
        tally.statuses[status] += 1
        if status == 200:
            tally.latencies_s.append(time.perf_counter() - due_s)
        tally.without_retry_after += status in _REFUSED and not says_when

    due_s, number = begun_s, 0
    while due_s < begun_s + seconds:
        if (wait_s := due_s - time.perf_counter()) > 0:
            await asyncio.sleep(wait_s)
        task = asyncio.create_task(send(texts[number % len(texts)], due_s))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        due_s, number = due_s + source.expovariate(rate), number + 1
        if number % 16 == 0:
            await asyncio.sleep(0)  # behind schedule: let answers in
    tally.seconds = time.perf_counter() - begun_s
    await asyncio.gather(*under_way)
    tally.seconds = max(tally.seconds, time.perf_counter() - begun_s)
    return tally


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share lies; NaN of none."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)] if values else float("nan")


def print_table(capacity: float, limit: float, loads: list[dict[str, Any]]) -> None:
    """Print one row for each load."""
    print(f"capacity {capacity:.0f} requests/s; the runtime alone {limit:.0f} rows/s")
    print(
        f"{'load':>5} {'offered/s':>10} {'answered/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'refused':>8} {'late':>6}"
        f" {'lost':>5} {'of limit':>9}"
    )
    for row in loads:
        print(
            f"{row['factor']:>4}× {row['offered_per_s']:>10.0f} {row['answered_per_s']:>11.0f} {row['p50_ms']:>8.0f}"
            f" {row['p99_ms']:>8.0f} {row['refused']:>8} {row['late']:>6} {row['lost']:>5} {row['of_limit']:>9.2f}"
        )


if __name__ == "__main__":
    main()
