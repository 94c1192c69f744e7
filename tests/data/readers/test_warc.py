"""Web archives: pages in, everything else counted."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
from tests.data.written import LONG, http_answer, page, warc_record

from oreline.data.readers.warc import Reader
from oreline.data.sources import frames

PAGES = [page(f"{LONG}\n{text}", text).encode() for text in ("一", "two")]
RECORDS = [
    warc_record("warcinfo", "", b"software: none\r\n"),
    warc_record("request", "https://a.org/1", b"GET / HTTP/1.1\r\n\r\n"),
    warc_record("response", "<https://a.org/1>", http_answer(PAGES[0])),
    warc_record("response", "https://a.org/2", http_answer(b"%PDF", "application/pdf")),
    warc_record("response", "https://a.org/3", http_answer(PAGES[0], status=404)),
    warc_record("response", "https://a.org/4", b"no answer"),
    warc_record("response", "https://a.org/5", http_answer(b"just text", "text/plain")),
    warc_record("response", "https://a.org/6", http_answer(gzip.compress(PAGES[1]), more="Content-Encoding: gzip\r\n")),
]


def test_pages_are_rows_and_the_rest_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "a.warc"
    file.write_bytes(b"".join(RECORDS))
    reader = Reader()
    frame = pl.concat(reader.frames(file, rows=10))
    assert frame.select("title", "url", "fetched").rows() == [
        ("一", "https://a.org/1", "2026-01-05T10:00:00Z"),
        ("two", "https://a.org/6", "2026-01-05T10:00:00Z"),
    ]
    assert frame["text"][0].endswith("一")
    left_out = "1 of type application/pdf, 1 with status 404, 1 no HTTP answer, 1 of type text/plain"
    assert reader.notes == [f"4 answers were left out: {left_out}"]
    assert pl.concat(Reader(plain=True).frames(file, rows=10))["text"][1] == "just text"


def test_an_archive_of_members_that_breaks_off_keeps_what_stands_before(tmp_path: Path) -> None:
    file = tmp_path / "a.warc.gz"
    whole = b"".join(map(gzip.compress, RECORDS))
    for cut in (1, 20, 200):
        file.write_bytes(whole[:-cut])
        notes: list[str] = []
        frame = pl.concat(frames(file, note=notes.append))
        assert frame["title"].to_list() == (["一", "two"] if cut == 1 else ["一"])[: frame.height]
        assert any("breaks off" in note for note in notes)
        assert any("were left out" in note for note in notes)
