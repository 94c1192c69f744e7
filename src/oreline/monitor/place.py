"""Where a prediction log lies, checked without the database library: a server starts before that is imported."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from oreline.errors import DataError, ResourceError, UsageError

HOW_TO_LOG = "give the file that `oreline serve` writes; it prints the path when it starts"


def is_url(place: str | Path) -> bool:
    """Whether a log's place is a database URL rather than a file."""
    return "://" in str(place)


def log_file(place: str | Path, *, create: bool) -> Path:
    """Return the SQLite file at a place, absolute.

    Raises:
        UsageError: it is a folder, or lies in one that does not exist.
        DataError: there is no such file, and none shall be created.
    """
    file = Path(place).absolute()
    if file.is_dir():
        raise UsageError("the log is a folder", where=str(place), allowed="a file, such as predictions.sqlite")
    if not create and not file.is_file():
        raise DataError("there is no prediction log here", where=str(place), remedy=HOW_TO_LOG)
    if not file.parent.is_dir():
        raise UsageError("the log's folder does not exist", where=str(file.parent), remedy="create it first")
    return file


def check_writable(file: Path) -> None:
    """Open a SQLite file, or the folder it will lie in, as far as is needed to say that it can be written.

    Raises:
        DataError: the file is no database.
        ResourceError: it may not be written.
    """
    target = file if file.exists() else file.parent
    try:
        if not os.access(target, os.W_OK):
            raise PermissionError
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA schema_version").fetchone()
    except (sqlite3.OperationalError, PermissionError) as error:
        raise ResourceError(
            "the prediction log cannot be written",
            where=str(file),
            remedy="choose a place that you may write to: --log FILE",
        ) from error
    except sqlite3.DatabaseError as error:
        raise DataError(f"this is not a prediction log: {error}", where=str(file)) from error
