"""Rows of a database: an SQLite file, or any URL that SQLAlchemy opens."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import polars as pl

from oreline.data.input.json_rows import series
from oreline.data.input.row_encodings import checked_codec
from oreline.data.input.row_sizes import HELD_BYTES
from oreline.errors import DataError, ResourceError, UsageError, did_you_mean

_MAGIC = b"SQLite format 3\0"
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_SECRETS = re.compile(r"(?i)pass|secret|token|key")
_READS = re.compile(r"(?i)\s*(?:\(\s*)*(?:select|with|values|table|from|show)\b")

_QUOTED = re.compile(r"(?s)'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|/\*.*?\*/")
_FILES = ("sqlite", "duckdb")
_PACKAGES = {"MySQLdb": "mysqlclient", "psycopg2": "psycopg2-binary"}
"""What is installed to import these."""
_PLAIN = (str, int, float, bool, list, dict)
_BUFFERED = 256
"""Rows that are fetched at a time: each may be of 16 MB."""


class Reader:
    """A table or a query of an SQLite file, or of any database that SQLAlchemy opens; read only, a part at a time.

    A place is `URL`, `URL::TABLE` or `URL::SELECT …`; in place of a URL an SQLite file may stand. Secrets are named,
    not written: `postgresql://reader:${DB_PASSWORD}@host/shop` takes the password from the environment.

    Args:
        query: what is asked, a single statement that reads.
        table: or the table that is read; the only one of the database when neither is given.
        encodings: codecs that a cell is tried with whose bytes are no UTF-8, in order: SQLite keeps what it is given.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".sqlite", ".sqlite3", ".db")
    schemes: ClassVar[tuple[str, ...]] = (
        "sql:", "sqlite:", "postgresql:", "postgresql+", "mysql:", "mysql+", "mariadb:", "mariadb+", "oracle:",
        "oracle+", "mssql:", "mssql+", "duckdb:", "clickhouse:", "clickhouse+", "snowflake:", "bigquery:",
    )  # fmt: skip

    def __init__(self, *, query: str | None = None, table: str | None = None, encodings: Sequence[str] = ()) -> None:
        if query and table:
            raise UsageError("both a query and a table are given", allowed="one of query and table")
        if query and not _READS.match(query):
            raise UsageError(f"the query {query[:60]!r} does not read", allowed="SELECT …, WITH …, VALUES …")
        if query and ";" in _QUOTED.sub("", query).rstrip("; \t\r\n"):
            raise UsageError(f"the query {query[:60]!r} is more than one statement", allowed="one statement that reads")
        self._query, self._table = query, table
        self._cells = _Cells(tuple(checked_codec(name) for name in encodings))

    @classmethod
    def knows_place(cls, text: str) -> bool:
        """Whether a text is an SQLite file with a table or a query behind it."""
        file, colons, _ = text.partition("::")
        return bool(colons) and _is_path(file) and file.lower().endswith(cls.suffixes)

    @staticmethod
    def name_of(location: str) -> str:
        """Return what row ids call a place: the database, never a secret. Raises `UsageError` for a bad URL."""
        place = location.partition("::")[0]
        if _is_path(place) and place.lower().endswith(Reader.suffixes):
            return Path(place).name
        url = _url(place, with_secrets=False)
        database = str(url.database or "")
        return (Path(database).name if url.get_backend_name() in _FILES else database) or str(url.host or "sql")

    def frames(self, path: Path | str, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the rows in frames of at most `rows`.

        Raises `DataError` for a database that cannot be read, or a query that fails; no message holds a secret.
        """
        import sqlalchemy

        location, _, asked = str(path).partition("::")
        is_file = _is_path(location) and (isinstance(path, Path) or location.lower().endswith(self.suffixes))
        asked = asked.strip()
        reader = self
        if asked and not (self._query or self._table):
            reader = Reader(query=asked) if re.search(r"\s", asked) else Reader(table=asked)
        url = None if is_file else _url(location, with_secrets=True)
        if url is not None and url.get_backend_name() == "sqlite":
            is_file, location = True, str(url.database or "")
        engine = _sqlite(Path(location), self._cells) if is_file or url is None else _engine(url, location)
        done = 0
        try:
            with engine.connect() as connection:
                statement = reader._statement(connection, location)
                reading = connection.execution_options(stream_results=True, max_row_buffer=_BUFFERED)
                with contextlib.closing(reading.execute(statement)) as result:
                    names = _distinct(list(result.keys()), location)
                    for part in _parts(result, rows):
                        cells = zip(names, zip(*part))
                        yield pl.DataFrame([self._cells.column(name, cell, done, location) for name, cell in cells])
                        done += len(part)
        except (sqlalchemy.exc.SQLAlchemyError, sqlite3.Error) as error:
            raise _failed(error, location, url, reader._query) from error
        finally:
            engine.dispose()

    def _statement(self, connection: Any, location: str) -> Any:
        import sqlalchemy

        if self._query:
            return sqlalchemy.text(self._query.replace(":", r"\:"))  # no part of it is a parameter
        inspector = sqlalchemy.inspect(connection)
        known = sorted([*inspector.get_table_names(), *inspector.get_view_names()])
        name = self._table or (known[0] if len(known) == 1 else "")
        if not name:
            raise DataError(
                f"the database has {len(known)} tables, and none is named" if known else "the database has no table",
                where=location,
                allowed=", ".join(known),
                remedy=f"name one: {location}::TABLE, or {location}::SELECT …" if known else "check the path",
            )
        schema, _, plain = name.rpartition(".")
        if not schema and known and name not in known:
            raise DataError(f"there is no table {name!r}", where=location, allowed=did_you_mean(name, known))
        table = sqlalchemy.table(plain, schema=schema or None)
        return sqlalchemy.select(sqlalchemy.text("*")).select_from(table)


def _is_path(location: str) -> bool:
    return "://" not in location


def _url(text: str, *, with_secrets: bool) -> Any:
    """Return a URL, its variables replaced where secrets are wanted. Raises `UsageError` for a secret in plain text."""
    import sqlalchemy

    try:
        url = sqlalchemy.make_url(text)
    except (sqlalchemy.exc.ArgumentError, ValueError) as error:
        raise UsageError(
            "the address of the database cannot be read",
            where=re.sub(r":[^:@/]*@", ":***@", text)[:80],
            allowed="sqlite:///FILE, postgresql://USER:${PASSWORD}@HOST/DATABASE, …",
        ) from error
    plain = {name: value for name, value in url.query.items() if _SECRETS.search(name)}
    if any("${" not in str(value) for value in [url.password or "${", *plain.values()]):
        raise UsageError(
            "the address holds a secret in plain text, which would be stored with the recipe",
            where=url.render_as_string(hide_password=True).partition("?")[0],
            remedy="put it into an environment variable, and write ${NAME} in its place",
        )
    if not with_secrets:
        return url
    query = {name: _expanded(value) if isinstance(value, str) else value for name, value in url.query.items()}
    return sqlalchemy.URL.create(
        url.drivername,
        username=_expanded(url.username),
        password=_expanded(url.password),
        host=_expanded(url.host),
        port=url.port,
        database=_expanded(url.database),
        query=query,
    )


def _expanded(text: Any, environment: Mapping[str, str] = os.environ) -> Any:
    if text is None:
        return None
    if lacking := [name for name in _VARIABLE.findall(text) if name not in environment]:
        raise UsageError(f"the environment variable {lacking[0]} is not set", remedy=f"export {lacking[0]}=…")
    return _VARIABLE.sub(lambda found: environment[found[1]], text)


def _parts(result: Any, rows: int) -> Iterator[list[Any]]:
    """Yield the rows of a result, at most so many and about 32 MB at a time."""
    part: list[Any] = []
    size = 0
    for row in result:
        part.append(row)
        size += sum(len(cell) for cell in row if isinstance(cell, str | bytes))
        if len(part) == rows or size > HELD_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _sqlite(file: Path, cells: _Cells) -> Any:
    """Return an engine that opens an SQLite file to read it. Raises `DataError` when there is none."""
    import sqlalchemy

    if not file.is_file():
        raise DataError(f"there is no file {str(file)!r}", where=str(file), remedy="check the path")
    with file.open("rb") as stream:
        head = stream.read(len(_MAGIC))
    if head != _MAGIC:
        what = "the file is no SQLite database" if head else "the file is empty"
        raise DataError(what, where=str(file), remedy="rename it to what it holds, or write it again")
    place = f"file:{quote(str(file.absolute()))}?mode=ro"

    def opened() -> sqlite3.Connection:
        connection = sqlite3.connect(place, uri=True)
        connection.text_factory = cells.text
        return connection

    return sqlalchemy.create_engine("sqlite://", creator=opened)


def _engine(url: Any, location: str) -> Any:
    import sqlalchemy

    # DuckDB makes a file that is not there, and knows no transaction that only reads.
    only_reads = {"read_only": True} if url.get_backend_name() == "duckdb" else {}
    try:
        engine = sqlalchemy.create_engine(url, connect_args=only_reads)
    except sqlalchemy.exc.NoSuchModuleError as error:
        raise UsageError(f"no database is known as {url.drivername!r}", where=_hidden(location)) from error
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the driver {error.name!r} of {url.drivername!r} is not installed",
            where=_hidden(location),
            remedy=f"pip install {_PACKAGES.get(error.name or '', error.name)}",
        ) from error
    return engine.execution_options(postgresql_readonly=True) if url.get_backend_name() == "postgresql" else engine


def _failed(error: Exception, location: str, url: Any, query: str | None) -> Exception:
    import sqlalchemy

    reason = str(getattr(error, "orig", None) or error).splitlines()[0][:300]
    for secret in filter(None, [url.password, *(v for v in url.query.values() if isinstance(v, str))] if url else []):
        reason = reason.replace(str(secret), "***")
    where = _hidden(location)
    if isinstance(error, sqlalchemy.exc.OperationalError) and url is not None and "sqlite" not in url.drivername:
        return ResourceError(f"the database does not answer: {reason}", where=where, remedy="check address and rights")
    if "malformed" in reason or "not a database" in reason:
        return DataError(
            f"the database is damaged: {reason}",
            where=where,
            remedy="fetch or copy the file again; `sqlite3 FILE .recover` writes down what can be read of it",
        )
    asked = f" ({query[:200]})" if query else ""
    return DataError(f"the query failed: {reason}{asked}", where=where, remedy="correct the query, or name a table")


def _hidden(location: str) -> str:
    return re.sub(r":[^:@/$]*@", ":***@", location)


def _distinct(names: list[str], location: str) -> list[str]:
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(
            f"two columns of the query are called {twice!r}", where=_hidden(location), remedy="rename one: … AS name"
        )
    return names


class _Cells:
    """Values of cells as columns.

    Args:
        encodings: codecs for bytes that are no UTF-8.
    """

    def __init__(self, encodings: tuple[str, ...]) -> None:
        self._encodings = encodings

    def text(self, value: bytes) -> str | bytes:
        """Return a text of SQLite; as its bytes where they are none, so that its row can be named."""
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value

    def column(self, name: str, values: tuple[Any, ...], done: int, location: str) -> pl.Series:
        """Return a column. Raises `DataError` naming the row of bytes that are no text."""
        plain = []
        for number, value in enumerate(values, start=done + 1):
            if isinstance(value, bytes | memoryview):
                value = self._decoded(bytes(value), name, f"{_hidden(location)}, row {number}")
            plain.append(value if value is None or isinstance(value, _PLAIN) else str(value))
        return series(name, plain)

    def _decoded(self, value: bytes, name: str, where: str) -> str:
        for codec in self._encodings or ("utf-8",):
            with contextlib.suppress(UnicodeError):
                return value.decode(codec)
        raise DataError(
            f"the column {name!r} holds bytes that are no text",
            where=where,
            allowed=" or ".join(self._encodings) or "UTF-8",
            remedy="leave the column out of the query if it is none; correct that cell; or let each be decoded with "
            "the first encoding that fits: {path: FILE, encodings: [utf-8, gb18030]}",
        )
