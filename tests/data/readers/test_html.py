"""HTML files and folders of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest
from tests.data.written import LONG, page

from oreline.data.input.compressed import CutOffError
from oreline.data.readers import html
from oreline.data.readers.html import Reader
from oreline.data.sources import frames, sources
from oreline.errors import DataError


def test_a_file_is_a_row_and_a_folder_one_source(tmp_path: Path) -> None:
    for name, text in (("a.html", "一"), ("b.htm", "two"), ("sub/c.xhtml", "three")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(page(f"{LONG}\n{text}", name), encoding="utf-8")
    (found,) = sources(tmp_path)
    frame = pl.concat(found.frames())
    assert frame["row_id"].to_list() == ["a.html:1", "b.htm:1", "sub/c.xhtml:1"]
    assert frame["title"].to_list() == ["a.html", "b.htm", "sub/c.xhtml"]
    assert [text[-1] for text in frame["text"]] == ["一", "o", "e"]
    assert [part.height for part in found.frames(rows=2)] == [2, 1]


def test_pages_beside_tables_are_not_data(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na,x\n", encoding="utf-8")
    (tmp_path / "report.html").write_text(page(LONG), encoding="utf-8")
    assert pl.concat(frames(tmp_path))["row_id"].to_list() == ["a.csv:1"]


def test_an_empty_page_takes_nothing_from_the_others(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.html").write_text(page(f"{LONG} {number}") if number != 1 else " \n", encoding="utf-8")
    said: list[str] = []
    (frame,) = frames(tmp_path, note=said.append)
    assert frame["file"].to_list() == ["0.html", "2.html"]
    assert said == [f"{tmp_path.name}: 1 empty files were left out: 1.html"]
    with pytest.raises(DataError, match="the file is empty"):
        list(frames(tmp_path / "1.html", note=said.append))


def test_a_page_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.html").write_text(page(LONG), encoding="utf-8")
    monkeypatch.setattr(html, "MAX_PAGE_BYTES", 100)
    with pytest.raises(DataError, match="longer than"):
        list(Reader().frames(tmp_path / "a.html", rows=1))


def test_a_page_that_breaks_off_takes_nothing_from_those_behind_it(tmp_path: Path) -> None:
    whole = gzip.compress(page("\n".join(f"{number} {LONG}" for number in range(50)), "A").encode())
    (tmp_path / "a.html").write_text(page(LONG), encoding="utf-8")
    (tmp_path / "b.html.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "c.html.gz").write_bytes(whole[:5])
    (tmp_path / "d.html.gz").write_bytes(whole)
    notes: list[str] = []
    frame = pl.concat(frames(tmp_path, note=notes.append))
    assert frame["row_id"].to_list() == ["a.html:1", "b.html.gz:1", "d.html.gz:1"]
    _, broken, last = frame["text"].to_list()
    assert 0 < len(broken) < len(last)
    assert last.startswith(broken[:1000])
    assert [note.split(":")[0].removeprefix(f"{tmp_path}/") for note in notes] == [
        "b.html.gz, after row 1",
        "c.html.gz",
    ]
    assert ["before the break are kept" in note for note in notes] == [True, False]
    given = frames(tmp_path)
    assert next(given)["row_id"].to_list() == ["a.html:1", "b.html.gz:1"]
    with pytest.raises(CutOffError, match="breaks off") as caught:
        next(given)
    assert caught.value.where == f"{tmp_path}/b.html.gz, after row 1"
