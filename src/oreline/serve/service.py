"""What the routes do, without HTTP: predict, explain, take feedback, forget, and say whether it works."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from oreline.errors import DataError, ResourceError
from oreline.monitor.records import LogRecord
from oreline.runtime.windows import by_row
from oreline.serve.batcher import Batcher
from oreline.serve.jobs import Answered
from oreline.serve.live import LiveModel, Served
from oreline.serve.meters import Meters
from oreline.serve.queued import QueuedRuntime
from oreline.serve.recorder import Recorder
from oreline.serve.refusals import DeadlineError, OverloadedError, Refusal
from oreline.serve.settings import Settings
from oreline.types import Columns
from oreline.words import as_cell

if TYPE_CHECKING:
    from oreline.monitor.log import PredictionLog

Gone = Callable[[], Awaitable[None]]
"""Returns when the client has closed its connection."""
_T = TypeVar("_T")
_LOG_CALL_S = 5.0
_FEEDBACK = {
    "labels": 'several labels are a list: ["a", "b"]',
    "tags": 'a tag for each word, in a list: ["O", "B-PER"]',
    "frames": 'the label and then a tag for each word, in a list: ["flight", "O", "B-to"]',
}
"""View of a task → how feedback is written that is more than one label."""
_READY_CACHE_S = 1.0
"""Readiness is open to everybody, so it costs the model one check a second at most."""


class Service:
    """One model, its queue, its log and its meters."""

    def __init__(self, model: str | Path, settings: Settings) -> None:
        self.settings, self.meters = settings, Meters()
        self.recorder = Recorder(settings.log_place(model), settings, self.meters) if settings.log else None
        if self.recorder is not None:
            self.recorder.start()  # opens the log while the model is loaded
        try:
            self.live = LiveModel(model, settings, self.meters)
        except BaseException:
            self._close_log()
            if self.recorder is not None:
                self.recorder.discard()
            raise
        self.batcher = Batcher(lambda: self.live.current, settings, self.meters)
        self._explaining = ThreadPoolExecutor(settings.explain_concurrency, "oreline-explain")
        self._explain_slots = threading.BoundedSemaphore(settings.explain_concurrency)
        self._checking = asyncio.Lock()
        self._turn = itertools.count()
        self._checked_s, self._faults = -_READY_CACHE_S, ["not checked yet"]
        self.draining = False
        self.unlogged: dict[str, Future[Answered]] = {}
        """Answers that clients have while others in their batch are still written; they are logged with them."""

    def start(self) -> None:
        """Start the threads. Raises what opening the log raised."""
        if self.recorder is not None:
            self.recorder.wait_opened(timeout_s=30)
        self.batcher.start()
        self.live.follow()

    def close(self) -> None:
        """Finish accepted rows, write the log, end the threads."""
        self.live.close()
        self.batcher.close(timeout_s=self.settings.drain_s)
        self._explaining.shutdown(wait=False, cancel_futures=True)
        self._close_log()

    def drain(self) -> None:
        """Take nothing new from now on."""
        self.draining = True
        self.meters.draining.set(1)

    # --- routes ---

    async def predict(
        self, rows: Sequence[dict[str, str]], gone: Gone
    ) -> tuple[list[dict[str, Any]], Served, list[str]]:
        """Predict rows; returns an answer for each, the model that answered, and warnings."""
        answers, answered = await self.answer(rows, gone)
        return answers, answered.served, self._warnings(answered)

    async def answer(self, rows: Sequence[dict[str, str]], gone: Gone) -> tuple[list[dict[str, Any]], Answered]:
        """Predict and log rows; returns an answer for each, and what the model computed."""
        _refuse_unreadable(self.live.current.task, rows)
        columns = {role: [row[role] for row in rows] for role in self.live.current.task.inputs}
        deadline_s = self.settings.deadline_s
        future = self.batcher.submit(columns, len(rows), deadline_s=deadline_s)
        answered = await _result(future, deadline_s, gone)
        task, outputs = answered.served.task, answered.predictions.outputs
        answers = task.decode(outputs, columns)
        for answer, truncated in zip(answers, answered.predictions.truncated_N, strict=True):
            answer["id"], answer["truncated"] = uuid.uuid4().hex, bool(truncated)
        self.record(columns, [answer["id"] for answer in answers], answered)
        return answers, answered

    def record(self, columns: Columns, ids: Sequence[str], answered: Answered) -> None:
        """Count answered rows and log them under their ids."""
        task = answered.served.task
        outcomes = task.outcomes(task.predicted(answered.predictions.outputs["scores"]))
        for outcome in outcomes:
            self.meters.rows.labels(outcome).inc()
        self.meters.rows_cut.inc(int(answered.predictions.truncated_N.sum()))
        if self.recorder is not None:
            self.recorder.put(_records(columns, ids, outcomes, answered))

    async def explain(self, row: dict[str, str], label: str | None, gone: Gone) -> tuple[dict[str, Any], Served]:
        """Say which words the answer to a row rests on. Its trial rows wait in the same queue as everybody's."""
        if not self._explain_slots.acquire(blocking=False):
            raise OverloadedError(
                "another explanation is being made",
                allowed=f"explain_concurrency = {self.settings.explain_concurrency}",
                remedy="send again after Retry-After seconds",
                retry_after_s=1,
            )
        served = self.live.current
        runtime = QueuedRuntime(served, self.batcher, self.settings)
        future = self._explaining.submit(_explain, runtime, row, label)
        future.add_done_callback(lambda _: self._explain_slots.release())
        try:
            explanation = await _result(future, self.settings.explain_deadline_s, gone)
        finally:
            runtime.stop()
        return explanation, served

    async def feedback(self, id: str, given: str | Sequence[str]) -> None:
        """Log the true label of a prediction, or its labels.

        Raises `DataError` for one that the model does not know, or that does not fit what was predicted.
        """
        task = self.live.current.task
        label = given if isinstance(given, str) else as_cell(given)
        if not task.knows(label):
            try:
                task.encode_target([label])
            except DataError as error:
                remedy = _FEEDBACK.get(task.view, "")
                raise DataError(
                    f"unknown label {label[:80]!r}", where="label", allowed=error.allowed, remedy=remedy
                ) from error
        if hasattr(task, "misfit"):
            inputs = await self._with_log(id, lambda log: log.inputs(id))
            if fault := task.misfit(inputs, label):
                fault.where, fault.row = "label", None
                raise fault
        await self._with_log(id, lambda log: log.feedback(id, label))
        self.meters.feedback.inc()

    async def delete(self, id: str) -> None:
        """Erase a logged prediction."""
        await self._with_log(id, lambda log: log.delete(id))

    async def faults(self) -> list[str]:
        """Run the next golden row through the queue and the live model; return what is wrong, if anything."""
        if self.draining:
            return ["draining: the server is going away"]
        async with self._checking:
            if time.monotonic() - self._checked_s >= _READY_CACHE_S:
                self._faults = await self._check()
                self._checked_s = time.monotonic()
        return self._faults

    # --- parts ---

    async def _check(self) -> list[str]:
        served, number, timeout_s = self.live.current, next(self._turn), self.settings.ready_timeout_s
        columns = served.golden_columns(number)
        try:
            future = self.batcher.submit(columns, 1, deadline_s=timeout_s, served=served, first=True)
            answered = await asyncio.wait_for(asyncio.wrap_future(future), timeout_s)
        except TimeoutError:
            return [f"the model did not answer a golden row within {timeout_s} s"]
        except Exception as error:
            return [f"the model failed on a golden row: {error}"]
        fault = served.golden_fault(number, answered.predictions.outputs, self.settings.golden_tolerance)
        return [fault] if fault else []

    async def _with_log(self, id: str, work: Callable[[PredictionLog], _T]) -> _T:
        if self.recorder is None:
            raise Refusal("predictions are not logged here", status=404, remedy="serve with the setting log = true")
        if (answered := self.unlogged.get(id)) is not None:
            await asyncio.wait([asyncio.wrap_future(answered)], timeout=_LOG_CALL_S)
        try:
            found: _T = await asyncio.wait_for(asyncio.wrap_future(self.recorder.call(work)), _LOG_CALL_S)
        except DataError as error:
            raise Refusal(error.what, status=404, remedy=error.remedy) from error
        except TimeoutError as error:
            raise ResourceError("the prediction log does not answer", remedy="send again") from error
        return found

    def _warnings(self, answered: Answered) -> list[str]:
        num_cut = int(answered.predictions.truncated_N.sum())
        if not num_cut:
            return []
        max_tokens = answered.served.runtime.artifact.manifest.max_tokens
        return [
            f"{num_cut} of {len(answered.predictions.truncated_N)} texts had more than {max_tokens} tokens and were cut"
        ]

    def _close_log(self) -> None:
        if self.recorder is not None:
            self.recorder.close(timeout_s=_LOG_CALL_S)


async def _result(future: Future[_T], timeout_s: float, gone: Gone) -> _T:
    """Wait for an answer; when the deadline passes or the client goes, its rows are dropped."""
    answer = asyncio.wrap_future(future)
    watcher = asyncio.ensure_future(gone())
    both: set[asyncio.Future[Any]] = {answer, watcher}
    try:
        done, _ = await asyncio.wait(both, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if answer in done:
            return answer.result()
        if watcher in done:
            raise Refusal("the client closed the connection", status=499)
        raise DeadlineError(
            f"no answer within {timeout_s:g} s", remedy="send fewer or shorter rows, or send again later"
        )
    finally:
        answer.cancel()
        watcher.cancel()


def _refuse_unreadable(task: Any, rows: Sequence[dict[str, str]]) -> None:
    """Raise `DataError` for a row that the task cannot read, before it stands in one batch with other people's."""
    check = getattr(task, "fault", None)
    if check is None:
        return
    for number, row in enumerate(rows):
        if fault := check(row):
            fault.where = f"rows[{number}]" if len(rows) > 1 else "text"
            raise fault


def _records(columns: Columns, ids: Sequence[str], outcomes: Sequence[str], answered: Answered) -> list[LogRecord]:
    predictions, identity, now_s = answered.predictions, answered.served.identity, time.time()
    num_outputs, embedding_ND = len(answered.served.task.labels), predictions.embedding_ND
    scores_NK = by_row(predictions.outputs["scores"], num_outputs)
    return [
        LogRecord(
            id=id,
            time_s=now_s,
            model_id=identity["id"],
            version=identity["version"],
            inputs={role: values[row] for role, values in columns.items()},
            label=outcome,
            scores_K=scores_NK[row],
            embedding_D=None if embedding_ND is None else embedding_ND[row],
            truncated=bool(predictions.truncated_N[row]),
        )
        for row, (id, outcome) in enumerate(zip(ids, outcomes))
    ]


def _explain(runtime: QueuedRuntime, row: dict[str, str], label: str | None) -> dict[str, Any]:
    from oreline.explain.explain import explain  # here: a server that is never asked to explain starts faster

    [explanation] = explain(runtime, [row], label=label)
    return explanation
