"""Databases: read only, in parts, and no message holds a secret."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from pathlib import Path

import polars as pl
import pytest

from oreline.data.readers.sql import Reader
from oreline.data.sources import frames, sources
from oreline.errors import DataError, OrelineError, UsageError


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    file = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE reviews (text TEXT, stars INTEGER, price REAL, day DATE)")
        connection.execute("CREATE TABLE other (x BLOB)")
        connection.execute("CREATE VIEW good AS SELECT text FROM reviews WHERE stars > 3")
        rows = [("很好看", 5, 1.5, "2026-01-05"), ("dull: 'a' :b", 1, None, None), (None, 4, 2.0, "x")]
        connection.executemany("INSERT INTO reviews VALUES (?, ?, ?, ?)", rows)
        connection.execute("INSERT INTO other VALUES (?)", (b"\xff\xfe\x00",))
    return file


def read(place: object) -> pl.DataFrame:
    return pl.concat(frames(place))


def test_a_table_and_a_query_of_a_file_and_of_a_url(shop: Path) -> None:
    for place in (
        {"path": str(shop), "table": "reviews"},
        {"sql": f"sqlite:///{shop}", "table": "reviews"},
        f"sqlite:///{shop}::reviews",
        f"{shop}::reviews",
        {"path": f"{shop}::SELECT text, stars, price, day FROM reviews"},
        f"sqlite:///{shop}::SELECT text, stars, price, day FROM reviews WHERE 1 = 1 OR text = ':b'",
    ):
        frame = read(place).drop("source", strict=False)
        assert frame.columns == ["row_id", "text", "stars", "price", "day"]
        assert frame["row_id"].to_list() == [f"shop.db:{number}" for number in (1, 2, 3)]
        assert frame["text"].to_list() == ["很好看", "dull: 'a' :b", None]
        assert frame["stars"].to_list() == [5, 1, 4]
    assert read(f"sqlite:///{shop}::good")["text"].to_list() == ["很好看", None]


def test_rows_come_in_parts_and_the_file_stays_as_it_is(shop: Path) -> None:
    before = shop.read_bytes()
    query = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 5000) SELECT x AS text FROM n"
    parts = list(Reader(query=query).frames(shop, rows=1000))
    assert [part.height for part in parts] == [1000] * 5
    assert shop.read_bytes() == before
    assert [path.name for path in shop.parent.iterdir()] == ["shop.db"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT nix FROM reviews", "no such column: nix"),
        ("SELECT * FROM nowhere", "no such table"),
        ("SELEC", "does not read"),
        ("DELETE FROM reviews", "does not read"),
        ("WITH x AS (SELECT 1) DELETE FROM reviews", "readonly database"),
        ("SELECT 1; DROP TABLE reviews", "more than one statement"),
        ("SELECT text, text FROM reviews", "two columns"),
        ("SELECT x FROM other", "bytes that are no text"),
    ],
)
def test_a_query_that_fails_says_why(shop: Path, query: str, says: str) -> None:
    with pytest.raises(OrelineError, match=says):
        list(frames({"sql": f"sqlite:///{shop}", "query": query}))


def test_a_table_has_to_be_named_where_there_are_several(shop: Path) -> None:
    with pytest.raises(DataError, match="3 tables, and none is named") as caught:
        list(frames(shop))
    assert caught.value.allowed == "good, other, reviews"
    assert f"{shop}::TABLE" in str(caught.value.remedy), "and a place that is written so is read"
    with pytest.raises(DataError, match="no table 'review'") as caught:
        list(frames(f"sqlite:///{shop}::review"))
    assert "did you mean 'reviews'" in caught.value.allowed


def test_secrets_stand_in_the_environment_and_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "geheim@:/123")
    place = "sqlite+nope://reader:${SHOP_PASSWORD}@127.0.0.1/shop::reviews"
    assert sources({"sql": place})[0].name == "shop"
    for url in (place, place.replace("sqlite+nope", "mysql+nope"), place.replace("sqlite+nope", "postgresql")):
        with pytest.raises(OrelineError) as caught:
            list(frames({"sql": url}))
        assert "geheim" not in str(caught.value)
    monkeypatch.delenv("SHOP_PASSWORD")
    with pytest.raises(UsageError, match="SHOP_PASSWORD is not set"):
        list(frames({"sql": place}))


def test_a_secret_in_plain_text_is_refused_and_not_repeated() -> None:
    for url in ("postgresql://reader:geheim@host/shop", "postgresql://host/shop?password=geheim"):
        with pytest.raises(UsageError, match="plain text") as caught:
            sources(url)
        assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"text,label\na,b\n", b"SQLite format 3\0" + b"\xff" * 200])
def test_what_is_no_database(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.db"
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(frames(file))
    assert str(file) in caught.value.where
    with pytest.raises(DataError, match="no file"):
        list(frames(f"sqlite:///{tmp_path}/none.db::a"))
    with pytest.raises(UsageError, match="cannot be read"):
        sources("sqlite:what")
    with pytest.raises(UsageError, match="both a query and a table"):
        Reader(query="SELECT 1", table="a")


def test_a_damaged_file_is_no_failed_query(shop: Path) -> None:
    shop.write_bytes(shop.read_bytes()[:4096] + b"\x01" * 12288)
    with pytest.raises(DataError, match="the database is damaged") as caught:
        list(frames(f"{shop}::reviews"))
    assert (caught.value.where, ".recover" in caught.value.remedy) == (str(shop), True)


def test_a_missing_driver_is_named_as_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "MySQLdb", None)
    with pytest.raises(UsageError, match="'MySQLdb' of 'mysql' is not installed") as caught:
        list(frames("mysql://me@localhost/shop::reviews"))
    assert caught.value.remedy == "pip install mysqlclient"


def test_text_that_is_not_utf8_names_its_row_or_is_decoded_as_asked(tmp_path: Path) -> None:
    """SQLite keeps the bytes that it is given, and its driver's own error names no row."""
    file = tmp_path / "old.db"
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE reviews (text TEXT)")
        cells = ["很好".encode(), b"fine", "很好".encode("gb18030"), b"end"]
        connection.executemany("INSERT INTO reviews VALUES (CAST(? AS TEXT))", [(cell,) for cell in cells])
    with pytest.raises(DataError, match="'text' holds bytes that are no text") as caught:
        list(Reader().frames(file, rows=10))
    assert caught.value.where == f"{file}, row 3"
    assert "encodings: [utf-8, gb18030]" in caught.value.remedy
    kept = pl.concat(frames({"path": str(file), "encodings": ["utf-8", "gb18030"]}))
    assert kept["text"].to_list() == ["很好", "fine", "很好", "end"]
    with pytest.raises(UsageError, match="encoding 'nix' is not known"):
        Reader(encodings=["nix"])


def test_long_cells_come_in_small_parts_and_a_row_above_the_bound_is_named(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE reviews (text TEXT)")
        connection.executemany("INSERT INTO reviews VALUES (?)", [("a" * (12 << 20),)] * 5)
    assert [part.height for part in Reader().frames(file, rows=100)] == [3, 2]
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO reviews VALUES (?)", ("b" * (17 << 20),))
    with pytest.raises(DataError, match="longer than 16 MB") as caught:
        list(frames(file))
    assert caught.value.where == f"{file}, row 6"


@pytest.mark.parametrize(
    "query", ["SELECT 1; COMMIT; DROP TABLE a", "SELECT ';' ; -- x\n DELETE FROM a", "SELECT 1;;VALUES (2)"]
)
def test_a_second_statement_is_refused_before_it_is_sent(query: str) -> None:
    with pytest.raises(UsageError, match="more than one statement"):
        Reader(query=query)
    for one in ("SELECT ';', \";\" -- ;\n;", "SELECT 1 /* ; */ ; ", "VALUES ('it''s; fine')"):
        Reader(query=one)
