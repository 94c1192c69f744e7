"""Databases other than SQLite, as their own servers and libraries answer: PostgreSQL and DuckDB."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline.data.readers.sql import Reader
from oreline.data.sources import frames
from oreline.errors import DataError, OrelineError, ResourceError

ROWS = 3000


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the URL of a server of our own, without its password, which stands in the environment."""
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with _server(programs, tmp_path_factory.mktemp("postgres")) as port, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_PASSWORD", "geheim/@:1")
        with closing(_connected(psycopg, port)) as connection:
            connection.execute("CREATE TABLE reviews (text TEXT, stars INT, day DATE, tags TEXT[], j JSONB, b BYTEA)")
            connection.execute(
                "INSERT INTO reviews SELECT '很好 ' || i, i % 5, '2026-01-05', ARRAY['a', 'b'], '{\"k\": 1}', 'xy'::bytea "
                f"FROM generate_series(1, {ROWS}) i"
            )
            connection.execute("CREATE TABLE empty (text TEXT)")
            connection.execute("CREATE SEQUENCE turns")
            connection.commit()
        yield f"postgresql+psycopg://tester:${{SHOP_PASSWORD}}@127.0.0.1:{port}/postgres"


def _programs() -> Path | None:
    found = shutil.which("initdb")
    places = (
        [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    )
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


@contextmanager
def _server(programs: Path, folder: Path) -> Iterator[int]:
    """Run a server on a free port of this machine, as another user where this one is root: it refuses root."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    # Its user has to reach the folder, and pytest's are its own user's.
    home = Path(tempfile.mkdtemp(prefix="oreline-postgres-"))
    owner: dict[str, Any] = {}
    if os.getuid() == 0:
        owner = {"user": "nobody", "group": "nogroup"}
        shutil.chown(home, "nobody")
    environment = {**os.environ, "LC_ALL": "C"}
    database = str(home / "db")
    made = [programs / "initdb", "-D", database, "-A", "trust", "-U", "tester", "-E", "UTF8", "--no-sync"]
    server = None
    try:
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, env=environment, cwd=home, **owner)
        with (folder / "log").open("w") as log:
            command = [programs / "postgres", "-D", database, "-h", "127.0.0.1", "-p", str(port), "-k", str(home), "-F"]
            server = subprocess.Popen(command, stderr=log, env=environment, cwd=home, **owner)
        yield port
    finally:
        if server is not None:
            server.terminate()
            server.wait(60)
        shutil.rmtree(home, ignore_errors=True)


def _connected(psycopg: Any, port: int) -> Any:
    for _ in range(600):
        try:
            return psycopg.connect(host="127.0.0.1", port=port, user="tester", dbname="postgres")
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise AssertionError("the server does not start")


def test_a_table_of_postgresql(postgres: str) -> None:
    parts = list(frames(f"{postgres}::reviews", rows=1000))
    assert [part.height for part in parts] == [1000] * 3
    frame = pl.concat(parts)
    assert frame.row(0) == ("postgres:1", "很好 1", 1, "2026-01-05", '["a", "b"]', '{"k": 1}', "xy")
    with pytest.raises(DataError, match="no rows"):
        list(frames({"sql": postgres, "table": "empty"}))


def test_a_query_of_postgresql_is_sent_as_it_is_written(postgres: str) -> None:
    query = "SELECT text FROM reviews WHERE stars > 3 AND text LIKE '%1%' AND ':x' = ':x' AND 1::int = 1;"
    assert (
        pl.concat(frames({"sql": postgres, "query": query})).height
        == pl.DataFrame({"n": [i for i in range(1, ROWS + 1) if i % 5 > 3 and "1" in str(i)]}).height
    )


def test_rows_of_postgresql_stream_from_its_cursor(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first rows are there before the last ones are made: these would fail."""
    query = "SELECT repeat('a', 1000) AS text, 1 / (9999 - i) AS n FROM generate_series(1, 20000) i"
    parts = Reader(query=query).frames(postgres, rows=100)
    assert next(parts).height == 100
    with pytest.raises(DataError, match="division by zero"):
        list(parts)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT nix FROM reviews", 'column "nix" does not exist'),
        ("SELECT * FROM nowhere", 'relation "nowhere" does not exist'),
        ("WITH x AS (DELETE FROM reviews RETURNING text) SELECT * FROM x", "data-modifying|read-only"),
        ("SELECT text FROM reviews; COMMIT; DROP TABLE reviews", "more than one statement"),
        ("SELECT nextval('turns')", "read-only"),
        ("SELECT text, text FROM reviews", "two columns"),
    ],
)
def test_what_postgresql_refuses_is_said(postgres: str, query: str, says: str) -> None:
    with pytest.raises(OrelineError, match=says) as caught:
        list(frames({"sql": postgres, "query": query}))
    assert "geheim" not in str(caught.value)
    assert pl.concat(frames(f"{postgres}::reviews")).height == ROWS


def test_a_server_that_is_not_there_and_a_database_that_is_not(postgres: str) -> None:
    for place in (postgres.replace("/postgres", "/none"), "postgresql+psycopg://tester:${SHOP_PASSWORD}@127.0.0.1:1/a"):
        with pytest.raises(ResourceError, match="does not answer") as caught:
            list(frames(f"{place}::reviews"))
        assert "geheim" not in str(caught.value)
        assert caught.value.where == place
    with pytest.raises(DataError, match="no table 'review'") as missing:
        list(frames(f"{postgres}::review"))
    assert "reviews" in missing.value.allowed


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
    pytest.importorskip("duckdb_engine", reason="DuckDB's dialect is not installed")
    file = tmp_path / "shop.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE reviews (text VARCHAR, stars INT, day DATE, tags VARCHAR[])")
        connection.execute(
            "INSERT INTO reviews SELECT '很好 ' || i, i % 5, DATE '2026-01-05', ['a', 'b'] FROM range(1, 3001) t(i)"
        )
    return file


def test_a_table_and_a_query_of_duckdb(shop: Path) -> None:
    frame = pl.concat(frames(f"duckdb:///{shop}::reviews", rows=1000))
    assert frame.row(0) == ("shop.duckdb:1", "很好 1", 1, "2026-01-05", '["a", "b"]')
    assert frame.height == ROWS
    assert (
        pl.concat(frames({"sql": f"duckdb:///{shop}", "query": "SELECT text FROM reviews WHERE stars > 3"})).height
        == 600
    )


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT nix FROM reviews", 'column "nix" not found'),
        ("WITH x AS (SELECT 1) DELETE FROM reviews", "read-only"),
        ("SELECT 1; DROP TABLE reviews", "more than one statement"),
    ],
)
def test_a_query_of_duckdb_only_reads(shop: Path, query: str, says: str) -> None:
    before = shop.read_bytes()
    with pytest.raises(OrelineError, match=says):
        list(frames({"sql": f"duckdb:///{shop}", "query": query}))
    assert shop.read_bytes() == before


def test_a_file_of_duckdb_that_is_not_there_is_not_made(shop: Path) -> None:
    with pytest.raises(OrelineError, match="does not exist"):
        list(frames(f"duckdb:///{shop}.none::reviews"))
    assert [path.name for path in shop.parent.iterdir()] == [shop.name]
