"""What is read by which reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from oreline.data.input.readable import files_of, is_document, place_of, reader_of, splits_of
from oreline.errors import DataError, UsageError


@pytest.mark.parametrize(
    ("name", "reader"),
    [("a.CSV.GZ", "csv"), ("a.jsonl.zst", "jsonl"), ("a.warc.gz", "warc"), ("a.db", "sql"), ("a.xlsx", "excel"), ("a.eml", "mail"), ("a.txt.xz", "text"), ("a.feather", "arrow"), ("a.htm", "html"), ("a.json.bz2", "jsonl")],
)  # fmt: skip
def test_suffixes_name_readers(name: str, reader: str) -> None:
    assert reader_of(Path(name)) == reader


def test_what_no_reader_reads() -> None:
    for name, says in (("a.docx", "no reader for"), ("a.gz", "no reader for"), ("a.parquet.gz", "reads no compressed")):
        with pytest.raises(UsageError, match=says):
            reader_of(Path(name))


def test_places_are_told_by_how_they_begin(tmp_path: Path) -> None:
    assert place_of("sqlite:///x/shop.db::a") == ("shop.db", "sqlite:///x/shop.db::a", "sql")
    assert place_of("sql:sqlite:///shop.db") == ("shop.db", "sqlite:///shop.db", "sql")
    assert place_of("crawl:https://a.org/x") == ("a.org", "https://a.org/x", "crawl")
    assert place_of(f"class_folders:{tmp_path}") == (tmp_path.name, str(tmp_path), "class_folders")
    assert place_of(str(tmp_path)) is place_of("a.csv") is place_of("C:x") is None
    assert splits_of(tmp_path) == {}


def test_files_of_folders(tmp_path: Path) -> None:
    for name in ("a.csv.gz", "b.parquet.gz", "c.html", "d.eml", "e.docx"):
        (tmp_path / name).write_bytes(b"x")
    assert [path.name for path in files_of(str(tmp_path))] == ["a.csv.gz"]
    assert [path.name for path in files_of(str(tmp_path), "mail")] == ["d.eml"]
    (tmp_path / "a.csv.gz").unlink()
    assert [path.name for path in files_of(str(tmp_path))] == ["c.html", "d.eml"]
    assert [is_document(Path(name)) for name in ("a.html.gz", "a.eml", "a.mbox", "a.csv")] == [True, True, False, False]
    with pytest.raises(DataError, match="no file that can be read"):
        files_of(str(tmp_path), "excel")
