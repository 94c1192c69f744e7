"""The writer of the log: never in the way, nothing lost unless counted."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from oreline.errors import DataError, ResourceError
from oreline.monitor.log import PredictionLog
from oreline.monitor.records import LogRecord
from oreline.serve import recorder as recorder_module
from oreline.serve.meters import Meters
from oreline.serve.recorder import Recorder
from oreline.serve.settings import Settings

MakeRecorder = Callable[..., tuple[Recorder, Meters]]


def _records(count: int) -> list[LogRecord]:
    return [
        LogRecord(
            id=uuid.uuid4().hex,
            time_s=time.time(),
            model_id="m",
            version="v",
            inputs={"text": f"row {number}"},
            label="fresh",
            scores_K=np.asarray([0.9, 0.1], np.float32),
        )
        for number in range(count)
    ]


def _value(meters: Meters, name: str) -> float | None:
    return meters.registry.get_sample_value(name)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeRecorder]:
    made: list[Recorder] = []

    def make(place: Path | None = None, **options: object) -> tuple[Recorder, Meters]:
        meters = Meters()
        recorder = Recorder(str(place or tmp_path / "log.sqlite"), Settings(**options), meters)
        recorder.start()
        made.append(recorder)
        return recorder, meters

    yield make
    for recorder in made:
        recorder.close(timeout_s=5)


def test_everything_is_written_by_the_end(make: MakeRecorder, tmp_path: Path) -> None:
    recorder, meters = make()
    for _ in range(40):
        recorder.put(_records(25))
    recorder.close(timeout_s=10)
    assert PredictionLog(tmp_path / "log.sqlite").count() == 1000
    assert _value(meters, "oreline_log_written_total") == 1000
    assert _value(meters, "oreline_log_dropped_total") == 0
    assert _value(meters, "oreline_log_queue_rows") == 0


def test_what_does_not_fit_is_dropped_and_counted(make: MakeRecorder) -> None:
    recorder, meters = make(log_queue_rows=10)
    recorder.wait_opened(timeout_s=10)
    busy, go_on = threading.Event(), threading.Event()

    def block(log: PredictionLog) -> None:
        busy.set()
        assert go_on.wait(timeout=60)

    blocked = recorder.call(block)
    assert busy.wait(timeout=60)
    for size in (6, 4, 1, 3):
        recorder.put(_records(size))
    assert not blocked.done(), "putting never waits for the writer, which is still held up"
    assert _value(meters, "oreline_log_queue_rows") == 10
    assert _value(meters, "oreline_log_dropped_total") == 4
    go_on.set()
    blocked.result(timeout=60)
    assert recorder.call(lambda log: log.count()).result(timeout=60) == 10


def test_a_call_sees_everything_put_before_it(make: MakeRecorder) -> None:
    recorder, _ = make()
    for round_number in range(1, 20):
        recorder.put(_records(3))
        assert recorder.call(lambda log: log.count()).result(timeout=60) == 3 * round_number


def test_what_a_call_raises_comes_back(make: MakeRecorder) -> None:
    recorder, _ = make()
    with pytest.raises(DataError, match="no logged prediction"):
        recorder.call(lambda log: log.feedback("unknown", "fresh")).result(timeout=60)
    assert recorder.call(lambda log: log.count()).result(timeout=60) == 0


def test_a_database_that_comes_back_gets_what_waited(make: MakeRecorder, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(recorder_module, "_RETRY_S", 0.02)
    recorder, meters = make()
    recorder.put(_records(2))
    recorder.call(lambda log: log.count()).result(timeout=60)
    import sqlite3

    with sqlite3.connect(tmp_path / "log.sqlite") as other:
        other.execute("ALTER TABLE predictions RENAME TO away")
    other.close()
    recorder.put(_records(3))
    until = time.monotonic() + 60
    while _value(meters, "oreline_log_up") != 0:
        assert time.monotonic() < until
        time.sleep(0.01)
    with sqlite3.connect(tmp_path / "log.sqlite") as other:
        other.execute("ALTER TABLE away RENAME TO predictions")
    other.close()
    assert recorder.call(lambda log: log.count()).result(timeout=60) == 5
    assert _value(meters, "oreline_log_up") == 1
    assert _value(meters, "oreline_log_dropped_total") == 0


def test_records_that_the_database_refuses_hold_nobody_up(make: MakeRecorder) -> None:
    recorder, meters = make()
    records = _records(2)
    recorder.put(records)
    recorder.call(lambda log: log.count()).result(timeout=60)
    recorder.put(records)  # their ids are taken
    assert recorder.call(lambda log: log.count()).result(timeout=60) == 2
    recorder.put(_records(1))
    assert recorder.call(lambda log: log.count()).result(timeout=60) == 3
    assert _value(meters, "oreline_log_dropped_total") == 2


def test_a_log_that_cannot_be_opened_says_so_and_drops(make: MakeRecorder, tmp_path: Path) -> None:
    recorder, meters = make(tmp_path / "missing" / "log.sqlite")
    with pytest.raises(Exception, match="folder does not exist"):
        recorder.wait_opened(timeout_s=10)
    recorder.put(_records(2))
    assert _value(meters, "oreline_log_dropped_total") == 2
    with pytest.raises(ResourceError):
        recorder.call(lambda log: log.count()).result(timeout=1)


def test_old_predictions_are_erased_at_the_start(make: MakeRecorder, tmp_path: Path) -> None:
    log = PredictionLog(tmp_path / "log.sqlite")
    old, new = _records(2)
    log.append([LogRecord(old.id, time.time() - 86_400 * 31, "m", "v", {"text": "old"}, "fresh", old.scores_K), new])
    log.close()
    recorder, _ = make(retention_days=30)
    assert recorder.call(lambda log: log.sample().ids).result(timeout=60) == [new.id]


def test_predictions_are_erased_while_the_server_runs(make: MakeRecorder, monkeypatch) -> None:
    """Not only at the start: a server may run for longer than the retention time."""
    monkeypatch.setattr(recorder_module, "_EXPIRE_EVERY_S", 0.02)
    recorder, _ = make(retention_days=30)
    recorder.wait_opened(timeout_s=10)
    assert recorder.call(lambda log: log.count()).result(timeout=60) == 0, "the erasing at the start is over"
    old, new = _records(2)
    old = LogRecord(old.id, time.time() - 86_400 * 31, "m", "v", {"text": "old"}, "fresh", old.scores_K)
    recorder.put([old, new])
    until = time.monotonic() + 60
    while recorder.call(lambda log: log.sample().ids).result(timeout=60) != [new.id]:
        assert time.monotonic() < until, "the old prediction is still there"
        time.sleep(0.01)


def test_no_more_rows_are_kept_than_asked_for(make: MakeRecorder, monkeypatch) -> None:
    monkeypatch.setattr(recorder_module, "_EXPIRE_EVERY_S", 0.02)
    recorder, _ = make(retention_rows=3)
    for _ in range(8):
        recorder.put(_records(1))
    until = time.monotonic() + 60
    while recorder.call(lambda log: log.count()).result(timeout=60) != 3:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_after_closing_nothing_is_taken(make: MakeRecorder) -> None:
    recorder, meters = make()
    recorder.close(timeout_s=5)
    recorder.put(_records(1))
    assert _value(meters, "oreline_log_dropped_total") == 1
    with pytest.raises(ResourceError):
        recorder.call(lambda log: log.count()).result(timeout=1)
