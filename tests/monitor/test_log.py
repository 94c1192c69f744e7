"""The prediction log, in a real database file; in PostgreSQL where one can be started."""

from __future__ import annotations

import sqlite3
import stat
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from oreline.errors import DataError, ResourceError, UsageError
from oreline.monitor import log as log_module
from oreline.monitor.log import PredictionLog
from oreline.monitor.records import LogRecord

NOW_S = time.time()


def _record(number: int, *, age_s: float = 0.0, model: str = "m1", width: int | None = 3, text: str = "") -> LogRecord:
    return LogRecord(
        id=f"{number:032x}",
        time_s=NOW_S - age_s,
        model_id=model,
        version=model[:12],
        inputs={"text": text or f"row {number}"},
        label="fresh" if number % 2 else "rotten",
        scores_K=np.asarray([0.25, 0.75], np.float32),
        embedding_D=None if width is None else np.full(width, number / 7, np.float32),
    )


@pytest.fixture
def log(tmp_path: Path) -> PredictionLog:
    log = PredictionLog(tmp_path / "log.sqlite")
    yield log
    log.close()


def test_a_sample_is_what_was_logged(log: PredictionLog) -> None:
    log.append([_record(number, age_s=10 - number) for number in range(5)])
    sample = log.sample()
    assert sample.ids == [f"{number:032x}" for number in range(5)]
    assert sample.texts == [f"row {number}" for number in range(5)]
    assert sample.labels == ["rotten", "fresh", "rotten", "fresh", "rotten"]
    np.testing.assert_array_equal(sample.scores_NK, [[0.25, 0.75]] * 5)
    np.testing.assert_allclose(sample.embedding_ND[:, 0], np.arange(5) / 7, rtol=1e-3)
    assert sample.embedding_ND.dtype == np.float32
    assert log.count() == 5


def test_a_sample_is_the_newest_rows_of_one_model(log: PredictionLog) -> None:
    log.append([_record(n, age_s=100 - n, model="old", width=2) for n in range(5)])
    log.append([_record(10 + n, age_s=10 - n, model="new") for n in range(5)])
    assert log.sample(3).ids == [f"{n:032x}" for n in (12, 13, 14)]
    assert log.sample().ids == [f"{10 + n:032x}" for n in range(5)]
    assert log.sample(model_id="old").embedding_ND.shape == (5, 2)
    assert log.sample(model_id="unknown").ids == []


def test_rows_without_embeddings(log: PredictionLog) -> None:
    assert log.sample().embedding_ND.shape == (0, 0)
    log.append([_record(1, width=None), _record(2, width=None)])
    assert log.sample().embedding_ND.shape == (2, 0)


@pytest.mark.parametrize(
    "text", ["", "\0", "\ud800", "了不起 🎬", "x" * 100_000, "'; DROP TABLE predictions; --", "%s"]
)
def test_any_text_comes_back(log: PredictionLog, text: str) -> None:
    log.append([LogRecord("1", NOW_S, "m", "v", {"text": text}, "fresh", np.ones(2, np.float32))])
    assert log.sample().texts == [text]


def test_feedback_is_joined_with_its_prediction(log: PredictionLog) -> None:
    log.append([_record(1), _record(2), _record(3)])
    log.feedback(f"{2:032x}", "fresh")
    log.feedback(f"{1:032x}", "rotten")
    log.feedback(f"{2:032x}", "rotten")  # corrected
    rows = log.feedback_rows()
    assert [(row["row_id"][-1], row["text"], row["label"], row["predicted"]) for row in rows] == [
        ("1", "row 1", "rotten", "fresh"),
        ("2", "row 2", "rotten", "rotten"),
    ]
    assert log.feedback_rows(model_id="other") == []
    assert log.feedback_rows(since_s=time.time() + 1) == []


def test_unknown_ids_are_refused(log: PredictionLog) -> None:
    for work in (lambda: log.feedback("nope", "fresh"), lambda: log.delete("nope"), lambda: log.inputs("nope")):
        with pytest.raises(DataError, match="no logged prediction 'nope'"):
            work()


def test_deleted_rows_leave_no_byte_behind(log: PredictionLog, tmp_path: Path) -> None:
    secret = "my very secret sentence"
    log.append([_record(1, text=secret), _record(2)])
    log.feedback(f"{1:032x}", "fresh")
    assert any(secret.encode() in file.read_bytes() for file in tmp_path.iterdir())
    log.delete(f"{1:032x}")
    assert log.count() == 1
    assert log.feedback_rows() == []
    assert not any(secret.encode() in file.read_bytes() for file in tmp_path.iterdir())


def test_old_rows_expire_with_their_feedback(log: PredictionLog) -> None:
    log.append([_record(n, age_s=86_400 * n) for n in range(6)])
    for n in (1, 4):
        log.feedback(f"{n:032x}", "fresh")
    assert log.expire(2.5) == 3
    assert sorted(log.sample().ids) == [f"{n:032x}" for n in range(3)]
    assert len(log.feedback_rows()) == 1
    assert log.expire(2.5) == 0


def test_the_oldest_beyond_the_limit_expire(log: PredictionLog) -> None:
    log.append([_record(n, age_s=n) for n in range(10)])
    assert log.expire(30, max_rows=4) == 6
    assert sorted(log.sample().ids) == [f"{n:032x}" for n in range(4)]
    assert log.expire(30, max_rows=4) == 0
    log.append([_record(20 + n) for n in range(5)])  # one request: all of the same moment as the newest so far
    assert log.expire(30, max_rows=2) == 3
    assert log.count() == 6


def test_a_batch_is_written_whole_or_not_at_all(log: PredictionLog) -> None:
    log.append([_record(1)])
    with pytest.raises(DataError):
        log.append([_record(2), _record(1)])  # the second id is taken
    assert log.count() == 1


def test_readers_do_not_wait_for_the_writer(log: PredictionLog, tmp_path: Path) -> None:
    log.append([_record(1)])
    with sqlite3.connect(tmp_path / "log.sqlite", isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM predictions")
        assert PredictionLog(tmp_path / "log.sqlite", create=False).count() == 1
        writer.execute("ROLLBACK")
    writer.close()


def test_two_threads_may_write(log: PredictionLog) -> None:
    def write(start: int) -> None:
        for number in range(start, start + 50):
            log.append([_record(number)])

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.count() == 150


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no prediction log here"):
        PredictionLog(tmp_path / "missing.sqlite", create=False)
    assert not (tmp_path / "missing.sqlite").exists()
    text = tmp_path / "reviews.csv"
    text.write_text("text,label\n" * 500)
    with pytest.raises(DataError, match="not a prediction log"):
        PredictionLog(text, create=False)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(DataError, match="holds no prediction log"):
        PredictionLog(other, create=False)
    with pytest.raises(UsageError, match="is a folder"):
        PredictionLog(tmp_path)
    with pytest.raises(UsageError, match="folder does not exist"):
        PredictionLog(tmp_path / "a" / "b.sqlite")


def test_no_permission_is_a_resource_error(tmp_path: Path) -> None:
    folder = Path("/proc")  # nobody may create files here, not even root
    if not folder.is_dir():
        folder = tmp_path / "locked"
        folder.mkdir()
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(ResourceError, match="cannot be reached"):
        PredictionLog(folder / "log.sqlite")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("foo://host/db", "no database driver 'foo'"),
        ("sqlite+x://host:port/", "cannot be read"),
        ("://", "cannot be read"),
    ],
)
def test_a_wrong_url_is_a_usage_error(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        PredictionLog(url)


def test_a_password_is_never_shown() -> None:
    with pytest.raises(Exception) as caught:
        PredictionLog("postgresql+nodriver://user:geheim@localhost/db")
    assert "geheim" not in str(caught.value)


def test_the_tables_can_be_made_in_postgresql() -> None:
    """All statements are SQLAlchemy's own, so that what can differ is the types."""
    made = str(CreateTable(log_module._PREDICTIONS).compile(dialect=postgresql.dialect()))
    assert "DOUBLE PRECISION" in made
    assert "BYTEA" in made
