"""All cores of this machine: frames go to worker processes and come back in their order.

A worker is a fresh process (`oreline.data.running.worker`), started as a program and not by forking, so that a script
or a notebook that refines is not run a second time and no thread or lock is inherited.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

import polars as pl

from oreline.data.ledger import Notes
from oreline.data.running.engine import Item, Job
from oreline.data.running.worker import Answer, frame_bytes
from oreline.errors import ResourceError, UsageError

PAYS_S = 1.0
"""Operators that take less in this process are done there: two workers begin in about half of that each."""
PARENT_BYTES, WORKER_BYTES = 700 << 20, 300 << 20
"""What the process that reads and writes is allowed, and each worker. With the default operators a worker holds 56 MB
of its own; dictionaries of Chinese words and of emoji take the rest."""
_ONE_THREAD = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
_WINDOW = 2
"""Frames under way for each worker: one that it works on, one that waits."""


class Local:
    """Worker processes on this machine, started when the work pays for it.

    Args:
        workers: processes, used from the first frame on; 1 works in this process. When not given, as many as there are
            cores and as the memory allows, once operators have taken a second in this process.
        memory_bytes: what all processes together may take, about.

    Raises `UsageError` for less than one worker.
    """

    def __init__(self, *, workers: int | None = None, memory_bytes: int = 2 << 30) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"workers is {workers}", allowed="1 and more")
        self.workers = workers
        self.num_processes = workers or most_workers(memory_bytes)
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        self._processes: list[_Process] = []
        self._threads: ThreadPoolExecutor | None = None

    def map(self, items: Iterable[Item], job: Job) -> Iterator[Item]:
        """Yield what the job makes of each item, in order.

        Raises what an operator raises, and `ResourceError` where a worker was killed.
        """
        rest = iter(items)
        if self.num_processes == 1:
            yield from map(job.done, rest)
            return
        if self.workers is None and not self._processes:
            yield from _begun_here(rest, job)
        yield from self._spread(rest, job)

    def close(self) -> None:
        """End the workers; what they are still at is given up."""
        for process in self._processes:
            process.kill()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)  # threads that wait for an answer see that there is none
        for process in self._processes:
            process.close()
        self._processes, self._threads = [], None
        self._idle = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _spread(self, items: Iterator[Item], job: Job) -> Iterator[Item]:
        told = job.told()
        under_way: deque[tuple[Future[Answer], Notes]] = deque()
        try:
            for frame, notes in items:
                under_way.append((self._pool().submit(self._ask, told, frame), notes))
                if len(under_way) >= _WINDOW * self.num_processes:
                    yield _joined(*under_way.popleft())
            while under_way:
                yield _joined(*under_way.popleft())
        finally:
            for future, _ in under_way:
                future.cancel()

    def _pool(self) -> ThreadPoolExecutor:
        """Start the workers, the first time."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.num_processes, thread_name_prefix="oreline-worker")
            self._processes = [_Process() for _ in range(self.num_processes)]
            for process in self._processes:
                self._idle.put(process)
        return self._threads

    def _ask(self, told: str, frame: pl.DataFrame) -> Answer:
        process = self._idle.get()
        try:
            return process.ask(told, frame)
        finally:
            self._idle.put(process)


class _Process:
    """One worker."""

    def __init__(self) -> None:
        known = [path for path in sys.path if path]
        environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONPATH": os.pathsep.join(known)}
        # -P: a file in the current folder is not imported in place of a library.
        command = [sys.executable, "-P", "-m", "oreline.data.running.worker"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=-1
        )
        self._told = ""

    def ask(self, told: str, frame: pl.DataFrame) -> Answer:
        """Send a frame and return the answer. Raises `ResourceError` when the process has died."""
        at = "the first operator"
        try:
            self._send(told, frame)
            while True:
                line = json.loads(self._read_line())
                if "at" in line:
                    at = f"the operator {line['at']!r}"
                elif "error" in line:
                    return Answer(error=line["error"])
                else:
                    return Answer(self._read(line["rows"]), self._read(line["notes"]), spent=line["spent"])
        except (BrokenPipeError, EOFError):
            raise self._dead(at, frame) from None

    def kill(self) -> None:
        """End the process; it has nothing to put in order."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Close the pipes of a process that has ended."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def _send(self, told: str, frame: pl.DataFrame) -> None:
        pipe: Any = self._process.stdin
        if told != self._told:
            pipe.write(json.dumps({"job": told}).encode() + b"\n")
            self._told = told
        rows = frame_bytes(frame)
        pipe.write(json.dumps({"rows": len(rows)}).encode() + b"\n")
        pipe.write(rows)
        pipe.flush()

    def _read_line(self) -> bytes:
        pipe: Any = self._process.stdout
        line: bytes = pipe.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        return line

    def _read(self, size: int) -> bytes:
        pipe: Any = self._process.stdout
        content: bytes = pipe.read(size)
        if len(content) < size:
            raise EOFError
        return content

    def _dead(self, at: str, frame: pl.DataFrame) -> ResourceError:
        code = self._process.wait()
        how = f"killed by signal {-code}" if code < 0 else f"ended with code {code}"
        memory = code == -9
        return ResourceError(
            f"a worker process was {how} in {at}" + (": perhaps memory ran out" if memory else ""),
            where=f"rows {frame['row_id'][0]} to {frame['row_id'][-1]}",
            remedy="run it again, with fewer workers (--workers 1 works in one process) where memory is short",
        )


def most_workers(memory_bytes: int) -> int:
    """Return how many workers there are cores and memory for, at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, (memory_bytes - PARENT_BYTES) // WORKER_BYTES))


def _begun_here(items: Iterator[Item], job: Job) -> Iterator[Item]:
    """Work on the first items in this process, until that has taken so long that workers pay."""
    taken_s = 0.0
    while taken_s < PAYS_S and (item := next(items, None)) is not None:
        begun = time.perf_counter()
        done = job.done(item)
        taken_s += time.perf_counter() - begun
        yield done


def _joined(future: Future[Answer], notes: Notes) -> Item:
    """Return the worker's rows, with what was noted of them before and by the worker."""
    frame, more = future.result().item()
    notes.add(more)
    return frame, notes
