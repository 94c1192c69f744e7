"""The prediction log: what was asked, what was answered, what turned out to be true.

SQLite in WAL mode by default (readers never wait for the writer), any SQLAlchemy URL for real load. Embeddings are
kept as float16: half the space, and far more precise than any drift that matters. Deleted rows are overwritten
with zeros in SQLite, not only unlinked.

Shape suffixes: N rows, K classes, D embedding width.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import exc

from oreline.errors import DataError, ResourceError, UsageError
from oreline.monitor.records import LogRecord
from oreline.types import Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

_METADATA = sa.MetaData()
_PREDICTIONS = sa.Table(
    "predictions",
    _METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("time_s", sa.Double, nullable=False, index=True),
    sa.Column("model_id", sa.String(64), nullable=False, index=True),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("inputs", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("scores", sa.LargeBinary, nullable=False),
    sa.Column("embedding", sa.LargeBinary, nullable=True),
    sa.Column("truncated", sa.Boolean, nullable=False),
)
_FEEDBACK = sa.Table(
    "feedback",
    _METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("time_s", sa.Double, nullable=False),
)
_SECONDS_PER_DAY = 86_400.0
_SQLITE_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "secure_delete=ON")


class PredictionLog:
    """Predictions and feedback in a database.

    Args:
        url_or_path: a SQLite file, or a SQLAlchemy URL such as `postgresql+psycopg://user:password@host/name`.
        create: make the file or the tables when they are missing; set it to False for reading, so that a
            mistyped path is an error instead of an empty log.

    Raises:
        DataError: there is no log there (`create=False`), or the file is no database.
        UsageError: the URL is not one, or its driver is not installed.
        ResourceError: the database cannot be reached or written.
    """

    def __init__(self, url_or_path: str | Path, *, create: bool = True) -> None:
        url = _url(url_or_path, create)
        is_sqlite = url.drivername.startswith("sqlite")
        self.place = str(url.database) if is_sqlite else url.render_as_string(hide_password=True)
        try:
            self._engine = sa.create_engine(url, pool_pre_ping=not is_sqlite)
        except ModuleNotFoundError as error:
            raise UsageError(
                f"the log {self.place} needs the package {error.name!r}, which is not installed",
                remedy="pip install 'psycopg[binary]'" if error.name == "psycopg" else f"pip install {error.name}",
            ) from error
        except exc.NoSuchModuleError as error:
            raise UsageError(f"no database driver {url.drivername!r}", allowed="sqlite, postgresql+psycopg") from error
        if is_sqlite:
            sa.event.listen(self._engine, "connect", _set_pragmas)
        with self._translating():
            if create:
                _METADATA.create_all(self._engine)
            elif not sa.inspect(self._engine).has_table("predictions"):
                raise DataError("this database holds no prediction log", where=self.place, remedy=_HOW_TO_LOG)

    def append(self, records: Sequence[LogRecord]) -> None:
        """Add predictions, all or none."""
        if not records:
            return
        with self._translating(), self._engine.begin() as connection:
            connection.execute(sa.insert(_PREDICTIONS), [_to_row(record) for record in records])

    def feedback(self, id: str, label: str) -> None:
        """Set the true label of a logged prediction; a later one replaces it. Raises `DataError` for an unknown id."""
        with self._translating(), self._engine.begin() as connection:
            known = sa.select(_PREDICTIONS.c.id).where(_PREDICTIONS.c.id == id)
            if connection.execute(known).first() is None:
                raise DataError(f"there is no logged prediction {id!r}", where=self.place, remedy=_EXPIRED)
            connection.execute(sa.delete(_FEEDBACK).where(_FEEDBACK.c.id == id))
            connection.execute(sa.insert(_FEEDBACK).values(id=id, label=label, time_s=time.time()))

    def inputs(self, id: str) -> dict[str, str]:
        """Return what a logged prediction was asked, by role. Raises `DataError` for an unknown id."""
        with self._translating(), self._engine.connect() as connection:
            asked = connection.execute(sa.select(_PREDICTIONS.c.inputs).where(_PREDICTIONS.c.id == id)).scalar()
        if asked is None:
            raise DataError(f"there is no logged prediction {id!r}", where=self.place, remedy=_EXPIRED)
        found: dict[str, str] = json.loads(asked)
        return found

    def delete(self, id: str) -> None:
        """Erase a prediction, its input and its feedback. Raises `DataError` for an unknown id."""
        with self._translating(), self._engine.begin() as connection:
            connection.execute(sa.delete(_FEEDBACK).where(_FEEDBACK.c.id == id))
            if connection.execute(sa.delete(_PREDICTIONS).where(_PREDICTIONS.c.id == id)).rowcount == 0:
                raise DataError(f"there is no logged prediction {id!r}", where=self.place, remedy=_EXPIRED)
        self._forget_erased_pages()

    def expire(self, days: float, *, max_rows: int | None = None) -> int:
        """Erase predictions older than `days`, and the oldest beyond `max_rows`; return how many."""
        newest_first = sa.select(_PREDICTIONS.c.time_s).order_by(_PREDICTIONS.c.time_s.desc())
        with self._translating(), self._engine.begin() as connection:
            until = time.time() - days * _SECONDS_PER_DAY
            if max_rows is not None:
                # Rows of one request share their time, so a few more than `max_rows` may stay, never fewer.
                last_kept = connection.execute(newest_first.offset(max_rows - 1).limit(1)).scalar()
                until = until if last_kept is None else max(until, float(last_kept))
            is_old = _PREDICTIONS.c.time_s < until
            connection.execute(
                sa.delete(_FEEDBACK).where(_FEEDBACK.c.id.in_(sa.select(_PREDICTIONS.c.id).where(is_old)))
            )
            erased = connection.execute(sa.delete(_PREDICTIONS).where(is_old)).rowcount
        if erased:
            self._forget_erased_pages()
        return erased

    def sample(self, limit: int = 1000, *, model_id: str | None = None) -> Sample:
        """Return the newest predictions of one model, oldest of them first.

        Args:
            limit: rows at most.
            model_id: whose predictions; when not set, the model that answered last. Embeddings of different models
                live in different spaces, so they are never mixed.
        """
        columns = _PREDICTIONS.c
        with self._translating(), self._engine.connect() as connection:
            if model_id is None:
                newest = sa.select(columns.model_id).order_by(columns.time_s.desc()).limit(1)
                model_id = connection.execute(newest).scalar()
            query = sa.select(columns.id, columns.inputs, columns.label, columns.scores, columns.embedding)
            query = query.where(columns.model_id == model_id).order_by(columns.time_s.desc(), columns.id).limit(limit)
            rows = list(reversed(connection.execute(query).all()))
        return _to_sample(rows)

    def feedback_rows(self, *, model_id: str | None = None, since_s: float = 0.0) -> list[dict[str, Any]]:
        """Return predictions whose true label is known, in the order the labels came.

        Each row has its inputs by role (`text`), `row_id`, `label` (the true one), `predicted`, `version`, `time_s`.
        """
        query = sa.select(_PREDICTIONS, _FEEDBACK.c.label.label("truth"), _FEEDBACK.c.time_s.label("learned_s"))
        query = query.join(_FEEDBACK, _FEEDBACK.c.id == _PREDICTIONS.c.id).where(_FEEDBACK.c.time_s >= since_s)
        if model_id is not None:
            query = query.where(_PREDICTIONS.c.model_id == model_id)
        with self._translating(), self._engine.connect() as connection:
            rows = connection.execute(query.order_by(_FEEDBACK.c.time_s, _FEEDBACK.c.id)).mappings().all()
        return [
            {
                **json.loads(row["inputs"]),
                "row_id": row["id"],
                "label": row["truth"],
                "predicted": row["label"],
                "version": row["version"],
                "time_s": row["learned_s"],
            }
            for row in rows
        ]

    def count(self) -> int:
        """Return the number of logged predictions."""
        with self._translating(), self._engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(_PREDICTIONS)).scalar_one())

    def close(self) -> None:
        """Give all connections back; SQLite folds its write-ahead file into the database."""
        self._engine.dispose()

    def _forget_erased_pages(self) -> None:
        """Fold the write-ahead file, which still holds what was erased, into the zeroed database."""
        if self._engine.dialect.name == "sqlite":
            with self._translating(), self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()

    @contextlib.contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except exc.OperationalError as error:
            raise ResourceError(
                f"the prediction log cannot be reached: {_cause(error)}",
                where=self.place,
                remedy="check that the database runs, that the folder exists and may be written, and that the disk "
                "has room",
            ) from error
        except exc.DatabaseError as error:
            raise DataError(f"this is not a prediction log: {_cause(error)}", where=self.place) from error


_HOW_TO_LOG = "give the file that `oreline serve` writes; it prints the path when it starts"
_EXPIRED = "it may have expired or been deleted; ids are those of /predict answers"


def _url(url_or_path: str | Path, create: bool) -> sa.URL:
    text = str(url_or_path)
    if "://" in text:
        try:
            return sa.make_url(text)
        except (exc.ArgumentError, ValueError) as error:
            raise UsageError(
                "the log's URL cannot be read",  # the URL may hold a password: never shown
                allowed="a file path, or a URL such as postgresql+psycopg://user:password@host/database",
            ) from error
    file = Path(text).absolute()
    if file.is_dir():
        raise UsageError("the log is a folder", where=text, allowed="a file, such as predictions.sqlite")
    if not create and not file.is_file():
        raise DataError("there is no prediction log here", where=text, remedy=_HOW_TO_LOG)
    if not file.parent.is_dir():
        raise UsageError("the log's folder does not exist", where=str(file.parent), remedy="create it first")
    return sa.URL.create("sqlite", database=str(file))


def _set_pragmas(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _cause(error: exc.DBAPIError) -> str:
    return str(error.orig).split("\n", 1)[0]


def _to_row(record: LogRecord) -> dict[str, Any]:
    embedding_D = record.embedding_D
    return {
        "id": record.id,
        "time_s": record.time_s,
        "model_id": record.model_id,
        "version": record.version,
        "inputs": json.dumps(dict(record.inputs)),  # ASCII: PostgreSQL refuses a NUL character in text
        "label": record.label,
        "scores": np.asarray(record.scores_K, dtype="<f4").tobytes(),
        "embedding": None if embedding_D is None else np.asarray(embedding_D, dtype="<f2").tobytes(),
        "truncated": record.truncated,
    }


def _to_sample(rows: Sequence[Any]) -> Sample:
    width = len(rows[-1].embedding or b"") if rows else 0
    kept = [row for row in rows if len(row.embedding or b"") == width]
    return Sample(
        ids=[row.id for row in kept],
        texts=[" | ".join(json.loads(row.inputs).values()) for row in kept],
        labels=[row.label for row in kept],
        scores_NK=_matrix([row.scores for row in kept], "<f4"),
        embedding_ND=_matrix([row.embedding or b"" for row in kept], "<f2"),
    )


def _matrix(cells: Sequence[bytes], dtype: str) -> NDArray[np.float32]:
    if not cells:
        return np.zeros((0, 0), dtype=np.float32)
    return np.frombuffer(b"".join(cells), dtype=dtype).reshape(len(cells), -1).astype(np.float32)
