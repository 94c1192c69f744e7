"""Logs predictions off the request path: one thread writes, a bounded queue waits, what does not fit is counted.

Feedback and deletion go through the same queue, so that they always find the prediction they name.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.errors import OrelineError, ResourceError
from oreline.monitor.records import LogRecord

if TYPE_CHECKING:
    from oreline.monitor.log import PredictionLog
    from oreline.serve.meters import Meters
    from oreline.serve.settings import Settings

_LOG = logging.getLogger(__name__)
_Work = Callable[["PredictionLog"], Any]
_Item = list[LogRecord] | tuple[_Work, Future[Any]] | None
_WRITE_ROWS = 512
"""Predictions in one transaction at most."""
_EXPIRE_EVERY_S = 600.0
_RETRY_S = 1.0
_MAX_CALLS = 1000


class Recorder:
    """Writes the prediction log on a thread of its own. It never blocks whoever predicts."""

    def __init__(self, place: str, settings: Settings, meters: Meters) -> None:
        self._place, self._settings, self._meters = place, settings, meters
        self._is_new_file = "://" not in place and not Path(place).exists()
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._counting = threading.Lock()
        self._num_records = self._num_calls = 0
        self._is_up = True
        self._closing = threading.Event()
        self._opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._write_forever, name="oreline-log", daemon=True)
        meters.log_queue_rows.set_function(lambda: self._num_records)

    @property
    def place(self) -> str:
        """Where the log is, as given."""
        return self._place

    def start(self) -> None:
        """Begin to open the log, beside whatever else is starting."""
        self._thread.start()

    def wait_opened(self, timeout_s: float) -> None:
        """Wait until the log is open. Raises what opening it raised."""
        self._opened.result(timeout_s)

    def put(self, records: list[LogRecord]) -> None:
        """Hand predictions over; they are dropped and counted when too many wait."""
        with self._counting:
            fits = self._num_records + len(records) <= self._settings.log_queue_rows and not self._closing.is_set()
            if fits:
                self._num_records += len(records)
        if fits:
            self._queue.put(records)
        else:
            self._meters.log_dropped.inc(len(records))

    def call(self, work: _Work) -> Future[Any]:
        """Do something with the log after everything handed over so far was written."""
        done: Future[Any] = Future()
        with self._counting:
            fits = self._num_calls < _MAX_CALLS and not self._closing.is_set()
            self._num_calls += fits
        if fits:
            self._queue.put((work, done))
        else:
            done.set_exception(ResourceError("the prediction log is busy", remedy="send again"))
        return done

    def close(self, timeout_s: float) -> None:
        """Write what waits, and end."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join(timeout_s)
        if self._num_records:
            _LOG.error("%d predictions were not logged", self._num_records)
            self._meters.log_dropped.inc(self._num_records)

    def discard(self) -> None:
        """Delete the log of a server that never began to serve, if it made the file; call it after `close`."""
        if self._is_new_file:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._place}{suffix}").unlink(missing_ok=True)

    # --- the thread ---

    def _write_forever(self) -> None:
        log = self._open()
        if log is None:
            return
        expire_at_s = 0.0
        while True:
            if time.monotonic() >= expire_at_s:
                self._expire(log)
                expire_at_s = time.monotonic() + _EXPIRE_EVERY_S
            pending: list[LogRecord] = []
            for item in self._take(expire_at_s - time.monotonic()):
                if isinstance(item, list):
                    pending += item
                    continue
                self._append(log, pending)
                pending = []
                if item is None:
                    log.close()
                    return
                self._answer(log, *item)
            self._append(log, pending)

    def _open(self) -> PredictionLog | None:
        try:
            from oreline.monitor.log import PredictionLog  # here: the database library takes long to import

            log = PredictionLog(self._place)
        except BaseException as error:
            self._closing.set()  # nothing is taken any more
            self._opened.set_exception(error)
            return None
        self._meters.log_up.set(1)
        self._opened.set_result(None)
        return log

    def _take(self, timeout_s: float) -> list[_Item]:
        """Wait for something to do, then take all that is there, up to one transaction's worth."""
        items: list[_Item] = []
        with contextlib.suppress(queue.Empty):
            items.append(self._queue.get(timeout=max(timeout_s, 0.001)))
            while len(items) < _WRITE_ROWS:
                items.append(self._queue.get_nowait())
        return items

    def _append(self, log: PredictionLog, records: list[LogRecord]) -> None:
        """Write records; a database that is away is tried again until it is back or the server ends."""
        if not records:
            return
        try:
            while not (written := self._try_append(log, records)) and not self._closing.wait(_RETRY_S):
                pass
        except OrelineError:
            _LOG.exception("%d predictions cannot be logged", len(records))
            written = False
        (self._meters.log_written if written else self._meters.log_dropped).inc(len(records))
        with self._counting:
            self._num_records -= len(records)

    def _try_append(self, log: PredictionLog, records: Sequence[LogRecord]) -> bool:
        """Write records; return False when the database is away. Raises what would be raised again next time."""
        try:
            log.append(records)
        except ResourceError as error:
            self._meters.log_up.set(0)
            if self._is_up:
                _LOG.error("predictions wait to be logged: %s", error)
            self._is_up = False
            return False
        self._meters.log_up.set(1)
        self._is_up = True
        return True

    def _answer(self, log: PredictionLog, work: _Work, done: Future[Any]) -> None:
        with self._counting:
            self._num_calls -= 1
        if not done.set_running_or_notify_cancel():
            return
        try:
            done.set_result(work(log))
        except Exception as error:
            done.set_exception(error)

    def _expire(self, log: PredictionLog) -> None:
        try:
            erased = log.expire(self._settings.retention_days, max_rows=self._settings.retention_rows)
        except OrelineError as error:
            _LOG.error("old predictions were not erased: %s", error)
        else:
            _LOG.info("%d old predictions erased", erased)
