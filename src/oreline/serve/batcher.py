"""Dynamic batching: rows of many requests through one model, without waiting for company.

Two threads. One tokenises what has arrived; the other runs the model. Whenever the model is free, the next batch is
cut from what is queued at that moment: the oldest `look_ahead_rows` rows are sorted by length, cut where a batch would
exceed its budget of padded tokens or hold too much padding, and the batch with the oldest row goes first, so that no
row starves. Under light load a row never waits for others; under heavy load batches grow by themselves. Rows whose
deadline has passed, or whose client has gone, are dropped before they cost anything.

Shape suffixes: N rows of a request, B rows of a batch.
"""

from __future__ import annotations

import functools
import itertools
import logging
import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from oreline.errors import OrelineError
from oreline.serve.jobs import Answered, Job, Listener, Row, asked_of, joined, row_of, settle
from oreline.serve.refusals import DeadlineError, DrainingError, OverloadedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oreline.serve.live import Served
    from oreline.serve.meters import Meters
    from oreline.serve.settings import Settings
    from oreline.types import Columns, Predictions

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_TOKENISE_ROWS = 256
"""Rows tokenised in one go: enough to use all cores, few enough that the first ones need not wait long."""
MAX_PADDING = 64
"""Padding tokens that a batch may hold: a batch more costs about as much as computing these."""
_RATE_WEIGHT = 0.2
"""Weight of the newest batch in the running mean of seconds a row."""


def batch_of_first(lengths: Sequence[int], token_budget: int) -> set[int]:
    """Cut rows of similar length into batches and return the one that holds row 0.

    Longest first, a batch is closed when another row would exceed the budget of padded tokens, or bring the padding
    inside it above `MAX_PADDING`.

    >>> sorted(batch_of_first([5, 90, 6, 91, 4], token_budget=1000))
    [0, 2, 4]
    """
    batch: set[int] = set()
    longest = padding = 0
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        gap = longest - lengths[row]
        if batch and ((len(batch) + 1) * longest > token_budget or padding + gap > MAX_PADDING):
            if 0 in batch:
                break
            batch = set()
        if not batch:
            longest, padding, gap = lengths[row], 0, 0
        batch.add(row)
        padding += gap
    return batch


class Batcher:
    """Accepts rows from any thread and answers through futures."""

    def __init__(self, current: Callable[[], Served], settings: Settings, meters: Meters) -> None:
        self._current, self._settings, self._meters = current, settings, meters
        self._lock = threading.Lock()
        self._counting = threading.Lock()  # apart: a job may end while the queue's lock is held
        self._arrived = threading.Condition(self._lock)
        self._tokenised = threading.Condition(self._lock)
        self._incoming: deque[Job] = deque()
        self._ready: deque[Row] = deque()
        self._errands: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._errand_next = True
        self._num_waiting = 0
        self._unanswered: set[Future[Answered]] = set()
        self._num_tokenising = 0
        self._row_s = 0.0
        self._closing = False
        self._threads = [
            threading.Thread(target=self._tokenise_forever, name="oreline-tokenise", daemon=True),
            threading.Thread(target=self._infer_forever, name="oreline-infer", daemon=True),
        ]
        meters.queue_rows.set_function(lambda: self._num_waiting)

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.start()

    def close(self, timeout_s: float) -> None:
        """Refuse new rows, finish the accepted ones, and end; what is not done in time fails."""
        with self._lock:
            self._closing = True
            self._arrived.notify_all()
            self._tokenised.notify_all()
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self.give_up()

    def give_up(self) -> None:
        """Fail whatever has not been answered: the time to finish is over."""
        with self._counting:
            left = list(self._unanswered)
        for future in left:
            if settle(future):
                future.set_exception(DrainingError("the server ended before this was answered", retry_after_s=1))

    @property
    def num_waiting(self) -> int:
        """Rows accepted and not yet answered."""
        return self._num_waiting

    def refuse_if_full(self, num_rows: int = 1, deadline_s: float | None = None) -> None:
        """Raise `OverloadedError` when these rows cannot be held, or would wait too long. An empty queue takes all."""
        waiting, settings = self._num_waiting, self._settings
        wait_s, longest_s = waiting * self._row_s, min(settings.max_wait_s, deadline_s or settings.deadline_s)
        if not waiting:
            return
        if waiting + num_rows > settings.queue_rows:
            what, allowed = f"{waiting} rows wait, {num_rows} more do not fit", f"queue_rows = {settings.queue_rows}"
        elif wait_s > longest_s:
            what, allowed = f"{waiting} rows wait, which takes {wait_s:.1f} s", f"a wait of {longest_s:g} s"
        else:
            return
        remedy = "send again after Retry-After seconds"
        raise OverloadedError(what, allowed=allowed, remedy=remedy, retry_after_s=wait_s)

    def submit(
        self,
        columns: Columns,
        num_rows: int,
        *,
        deadline_s: float,
        served: Served | None = None,
        first: bool = False,
        listener: Listener | None = None,
    ) -> Future[Answered]:
        """Accept rows for prediction.

        Args:
            columns: the rows, by role.
            num_rows: how many they are.
            deadline_s: seconds from now after which nobody waits for the answer.
            served: the model to use; the one in place when not set.
            first: whether they go to the front of the queue, past its bound, and each through the model alone: for
                readiness only.
            listener: of a model that writes, who hears what is written for the one row.

        Raises:
            OverloadedError: the queue is full.
            DrainingError: the server is going away.
        """
        with self._lock:
            if self._closing:
                raise DrainingError("the server is going away", remedy="send to another replica", retry_after_s=1)
            if not first:
                self.refuse_if_full(num_rows, deadline_s)
            job = Job(columns, num_rows, time.monotonic() + deadline_s, served or self._current(), first, listener)
            if first:
                self._incoming.appendleft(job)
            else:
                self._incoming.append(job)
            with self._counting:
                self._num_waiting += num_rows
                self._unanswered.add(job.future)
            # The callback must not know the job: a future keeps its callbacks, and the ring would keep the model.
            job.future.add_done_callback(lambda future: self._release(future, num_rows))
            self._arrived.notify()
        return job.future

    def errand(self, work: Callable[[], _T]) -> Future[_T]:
        """Have something done on the model's thread, between two batches: what asks the model, but not for predictions.

        Raises `DrainingError` when the server is going away.
        """
        future: Future[_T] = Future()
        with self._lock:
            if self._closing:
                raise DrainingError("the server is going away", remedy="send to another replica", retry_after_s=1)
            self._errands.append((work, future))
            self._tokenised.notify()
        return future

    # --- tokenising ---

    def _tokenise_forever(self) -> None:
        while jobs := self._next_jobs():
            rows = list(itertools.chain.from_iterable(self._encode(jobs)))
            with self._lock:
                self._num_tokenising -= len(jobs)
                self._ready.extend(row for row in rows if not row.job.first)
                self._ready.extendleft(row for row in reversed(rows) if row.job.first)
                self._tokenised.notify()

    def _next_jobs(self) -> list[Job]:
        """Wait for jobs and take those that are there, all for one model; an empty list ends the thread."""
        with self._lock:
            while not self._incoming:
                if self._closing:
                    self._tokenised.notify_all()
                    return []
                self._arrived.wait()
            jobs, num_rows = [self._incoming.popleft()], 0
            while self._incoming and num_rows < _TOKENISE_ROWS and self._incoming[0].served is jobs[0].served:
                jobs.append(self._incoming.popleft())
                num_rows += jobs[-1].num_rows
            self._num_tokenising += len(jobs)
            return jobs

    def _encode(self, jobs: list[Job]) -> list[list[Row]]:
        alive = [job for job in jobs if not self._is_dead(job, job.num_rows)]
        if not alive:
            return []
        columns = {role: [value for job in alive for value in job.columns[role]] for role in alive[0].columns}
        try:
            encoded = alive[0].served.runtime.encode(columns)
        except Exception as error:  # one bad text must not fail its neighbours
            if len(alive) > 1:
                return [rows for job in alive for rows in self._encode([job])]
            self._end(alive[0], error)
            return []
        starts = itertools.accumulate((job.num_rows for job in alive), initial=0)
        return [
            [row_of(job, index, encoded, start + index) for index in range(job.num_rows)]
            for job, start in zip(alive, starts)
        ]

    # --- inference ---

    def _infer_forever(self) -> None:
        while turn := self._next_turn():
            turn()

    def _next_turn(self) -> Callable[[], None] | None:
        """Wait for rows or an errand, and return what is to be done; None ends the thread. Both take turns."""
        with self._lock:
            while True:
                while not self._ready and not self._errands:
                    if self._closing and not self._incoming and not self._num_tokenising:
                        return None
                    self._tokenised.wait()
                if self._errands and (self._errand_next or not self._ready):
                    self._errand_next = False
                    return functools.partial(_do, *self._errands.popleft())
                self._errand_next = True
                if batch := self._cut():
                    return functools.partial(self._run, batch)

    def _cut(self) -> list[Row]:
        """Take the batch that holds the oldest row out of the queue."""
        window: list[Row] = []
        held: list[Row] = []  # rows for another model keep their places
        while self._ready and len(window) + len(held) < self._settings.look_ahead_rows:
            row = self._ready.popleft()
            if self._is_dead(row.job):
                continue
            if row.job.first and not window:
                return [row]  # alone, as its saved scores were made: in company 8-bit activations are scaled otherwise
            (window if not window or row.job.served is window[0].job.served else held).append(row)
        if not window:
            self._ready.extendleft(reversed(held))
            return []
        budget = self._settings.max_batch_tokens or window[0].job.served.runtime.token_budget
        taken = batch_of_first([row.num_tokens for row in window], budget)
        left = [row for position, row in enumerate(window) if position not in taken]
        self._ready.extendleft(reversed(held))
        self._ready.extendleft(reversed(left))
        return [window[position] for position in sorted(taken)]

    def _run(self, batch: list[Row]) -> None:
        begun_s = time.monotonic()
        try:
            runtime = batch[0].job.served.runtime
            predictions = runtime.forward(joined(batch), embeddings=self._settings.log, **asked_of(batch))
        except Exception as error:
            if len(batch) > 1:  # find the row that the model cannot take, and answer the others
                for row in batch:
                    self._run([row])
            else:
                self._end(batch[0].job, error)
            return
        took_s = time.monotonic() - begun_s
        self._measure(batch, predictions, begun_s, took_s)
        places: dict[Job, tuple[list[int], list[int]]] = {}
        for position, row in enumerate(batch):
            rows_B, picks_B = places.setdefault(row.job, ([], []))
            rows_B.append(row.place)
            picks_B.append(position)
        for job, (rows_B, picks_B) in places.items():
            job.fill(rows_B, predictions, picks_B)

    # --- bookkeeping ---

    def _is_dead(self, job: Job, num_rows: int = 1) -> bool:
        """Whether nobody waits for a job any more: its client has gone, or its deadline has passed."""
        if not job.future.done():
            if time.monotonic() < job.deadline_s:
                return False
            job.fail(DeadlineError("the answer was not ready in time", remedy="send fewer rows, or send again later"))
        self._meters.rows_dropped.labels("cancelled" if job.future.cancelled() else "expired").inc(num_rows)
        return True

    def _end(self, job: Job, error: Exception) -> None:
        if not isinstance(error, OrelineError):
            _LOG.error("the model failed", exc_info=error)
        job.fail(error)

    def _release(self, future: Future[Answered], num_rows: int) -> None:
        with self._counting:
            self._num_waiting -= num_rows
            self._unanswered.discard(future)

    def _measure(self, batch: list[Row], predictions: Predictions, begun_s: float, took_s: float) -> None:
        row_s = took_s / len(batch)
        self._row_s = row_s if not self._row_s else self._row_s + _RATE_WEIGHT * (row_s - self._row_s)
        num_tokens = int(predictions.num_tokens_N.sum())
        num_padded = len(batch) * int(predictions.num_tokens_N.max())
        self._meters.forward_seconds.observe(took_s)
        self._meters.batch_rows.observe(len(batch))
        self._meters.tokens.labels("real").inc(num_tokens)
        self._meters.tokens.labels("padding").inc(max(num_padded - num_tokens, 0))
        for job in {row.job for row in batch}:
            self._meters.queue_seconds.observe(begun_s - job.accepted_s)


def _do(work: Callable[[], Any], future: Future[Any]) -> None:
    """Do an errand, unless nobody waits for it any more."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except Exception as error:
        future.set_exception(error)
