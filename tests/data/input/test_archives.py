"""Files in archives are read as those in folders are, by every reader."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tempfile
import zipfile
from pathlib import Path

import polars as pl
import pytest
from tests.data.written import write_workbook

from oreline.data.input.archives import broken, file_of, member_paths, on_disk, opened, paths_inside
from oreline.data.sources import frames, sources
from oreline.errors import DataError

CSV = "text,label\n一部好电影,好\na dull plot,bad\n".encode()


def write_zip(file: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file


def write_tgz(file: Path, members: dict[str, bytes]) -> Path:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    file.write_bytes(gzip.compress(stream.getvalue()))
    return file


WRITE = {".zip": write_zip, ".tgz": write_tgz, ".tar.gz": write_tgz}


def ids(source: object) -> list[str]:
    return [row for frame in frames(source) for row in frame["row_id"]]


@pytest.mark.parametrize("suffix", WRITE)
def test_row_ids_name_archive_and_member(tmp_path: Path, suffix: str) -> None:
    members = {"2024/shop.csv": CSV, "readme.md": b"# x", "b.jsonl.gz": gzip.compress(b'{"text": "x", "label": "y"}\n')}
    file = WRITE[suffix](tmp_path / f"a{suffix}", members)
    expected = [f"a{suffix}/2024/shop.csv:1", f"a{suffix}/2024/shop.csv:2", f"a{suffix}/b.jsonl.gz:1"]
    assert ids(file) == expected
    assert ids({"path": str(file), "name": "shop"})[0] == f"shop/a{suffix}/2024/shop.csv:1"
    assert pl.concat(frames(file))["text"].to_list() == ["一部好电影", "a dull plot", "x"]
    assert next(source.place for source in sources(file)) == f"{file}/2024/shop.csv"


@pytest.mark.parametrize("suffix", WRITE)
def test_every_reader_reads_members(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that need a file of their own are given one for as long as they read it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    frame = pl.DataFrame({"text": ["好", "dull"], "label": ["a", "b"]})
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ipc(tmp_path / "b.arrow")
    write_workbook(frame, tmp_path / "c.xlsx")
    members = {name: (tmp_path / name).read_bytes() for name in ("a.parquet", "b.arrow", "c.xlsx")}
    file = WRITE[suffix](tmp_path / f"all{suffix}", {**members, "d.csv": frame.write_csv().encode()})
    found = pl.concat(frames(file))
    assert found["text"].to_list() == ["好", "dull"] * 4
    assert os.listdir(tmp_path / "temp") == []


def test_errors_in_a_member_name_the_member(tmp_path: Path) -> None:
    file = write_zip(tmp_path / "a.zip", {"x/a.parquet": b"no parquet", "b.csv": b'text\n"a\n'})
    for member in ("x/a.parquet", "b.csv"):
        with pytest.raises(DataError) as caught:
            list(frames(f"{file}/{member}"))
        assert caught.value.where.startswith(f"{file}/{member}")
    with pytest.raises(DataError, match=r"the archive has no file 'c\.csv'") as caught:
        list(frames(f"{file}/c.csv"))
    assert "b.csv" in caught.value.allowed


def test_paths_and_patterns_lead_into_archives(tmp_path: Path) -> None:
    file = write_zip(tmp_path / "a.zip", {"x/a.csv": CSV, "x/b.csv": CSV, "c.csv": CSV})
    assert ids(f"{file}/x/*.csv") == ["a.zip/x/a.csv:1", "a.zip/x/a.csv:2", "a.zip/x/b.csv:1", "a.zip/x/b.csv:2"]
    assert ids([f"{file}/c.csv", f"{file}/x/a.csv"])[::2] == ["a.zip/c.csv:1", "a.zip/x/a.csv:1"]
    assert paths_inside(str(tmp_path / "a.csv")) is None
    assert file_of(file / "c.csv") == file_of(file) == file
    assert [path.name for path in member_paths(file, "x/*")] == ["a.csv", "b.csv"]


def test_a_folder_with_archives(tmp_path: Path) -> None:
    write_zip(tmp_path / "b.zip", {"x.csv": CSV, "page.html": b"<p>x"})
    write_tgz(tmp_path / "c.tar.gz", {"y.csv": CSV})
    (tmp_path / "a.csv").write_bytes(CSV)
    assert ids(tmp_path)[::2] == ["a.csv:1", "b.zip/x.csv:1", "c.tar.gz/y.csv:1"]


def test_pages_of_an_archive_are_one_source(tmp_path: Path) -> None:
    page = "<html><body><article><p>{}</p></article></body></html>"
    body = "A long paragraph about a film that everybody liked, and that nobody has seen twice. " * 5
    file = write_zip(tmp_path / "a.zip", {f"{n}.html": page.format(f"{n} {body}").encode() for n in range(3)})
    assert len(sources(file)) == 1
    assert ids(file) == ["a.zip/0.html:1", "a.zip/1.html:1", "a.zip/2.html:1"]


def test_nothing_that_can_be_read(tmp_path: Path) -> None:
    file = write_zip(tmp_path / "a.zip", {"a.docx": b"x"})
    with pytest.raises(DataError, match="the archive holds no file that can be read"):
        sources(file)


def test_rows_before_a_break_are_kept_and_the_break_is_said(tmp_path: Path) -> None:
    body = "".join(f"{number * 7919 % 10007:x},a\n" for number in range(20_000)).encode()
    file = write_tgz(tmp_path / "a.tgz", {"a.csv": b"text,label\n" + body, "b.csv": b"text,label\n" + body})
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * 3 // 4])
    assert "breaks off" in broken(file)
    notes: list[str] = []
    found = [row for source in sources(file) for frame in source.frames(note=notes.append) for row in frame["row_id"]]
    assert found[19_999] == "a.tgz/a.csv:20000"
    assert 25_000 < len(found) < 35_000
    assert len(notes) == 1
    assert "a.tgz/b.csv, after row" in notes[0]


def test_a_break_behind_the_last_whole_file_is_said_too(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        info = tarfile.TarInfo("a.csv")
        info.size = len(CSV)
        tar.addfile(info, io.BytesIO(CSV))
    (tmp_path / "a.tar").write_bytes(stream.getvalue()[:1024])  # no mark of the end
    notes: list[str] = []
    for source in sources(tmp_path / "a.tar"):
        assert sum(frame.height for frame in source.frames(note=notes.append)) == 2
    assert len(notes) == 1
    assert "files behind it may be missing" in notes[0]


def test_an_archive_that_changes_is_read_again(tmp_path: Path) -> None:
    file = write_zip(tmp_path / "a.zip", {"a.csv": CSV})
    assert len(ids(file)) == 2
    write_zip(file, {"b.csv": CSV + b"more,x\n"})
    assert ids(file)[-1] == "a.zip/b.csv:3"


def test_a_member_as_a_file(tmp_path: Path) -> None:
    file = write_zip(tmp_path / "a.zip", {"x.csv": CSV, f"{'长' * 80}.csv": CSV})
    for path in member_paths(file):
        with on_disk(path) as copy:
            assert copy.read_bytes() == CSV
        assert not copy.exists()
        with opened(path) as stream:
            assert stream.read() == CSV
    with on_disk(tmp_path / "plain.csv") as same:
        assert same == tmp_path / "plain.csv"
