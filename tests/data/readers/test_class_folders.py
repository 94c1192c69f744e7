"""Folders whose names are the classes."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
from pathlib import Path

import polars as pl
import pytest
from tests.data.written import LONG, page

from oreline.data.input import compressed
from oreline.data.input.compressed import CutOffError
from oreline.data.sources import frames
from oreline.errors import DataError

FILES = {"pos/1.txt": "很好看\n推荐", "pos/sub/2.txt": "fine", "neg/3.txt": "差评，浪费时间", "neg/4.txt": " \n"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / "films" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "films" / name).write_bytes(text.encode("gb18030" if "3" in name else "utf-8"))
    (tmp_path / "films" / "neg" / "5.html").write_text(page(LONG), encoding="utf-8")
    (tmp_path / "films" / "neg" / "6.txt.gz").write_bytes(gzip.compress(b"packed"))
    (tmp_path / "films" / "README.txt").write_text("beside the classes", encoding="utf-8")
    return tmp_path / "films"


def test_each_file_is_a_row_and_its_folder_the_label(folder: Path) -> None:
    frame = pl.concat(frames(f"class_folders:{folder}", rows=2))
    assert frame["row_id"].to_list() == [f"films:{number}" for number in range(1, 7)]
    assert frame["label"].to_list() == ["neg"] * 4 + ["pos"] * 2
    assert frame["file"].to_list() == [
        "neg/3.txt",
        "neg/4.txt",
        "neg/5.html",
        "neg/6.txt.gz",
        "pos/1.txt",
        "pos/sub/2.txt",
    ]
    texts = frame["text"].to_list()
    assert texts[:2] + texts[3:] == ["差评，浪费时间", None, "packed", "很好看\n推荐", "fine"]
    assert texts[2].endswith(LONG.strip())
    deepest = pl.concat(frames({"class_folders": str(folder), "deepest": True}))
    assert deepest["label"].to_list() == ["neg"] * 4 + ["pos", "sub"]


def test_frames_of_long_texts_have_fewer_rows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pl.concat(frames(f"class_folders:{folder}"))
    monkeypatch.setattr(compressed, "_BATCH_CHARACTERS", 1)
    parts = list(frames(f"class_folders:{folder}"))
    assert [part.height for part in parts] == [1, 2, 1, 1, 1]  # an empty file weighs nothing
    assert pl.concat(parts).equals(whole)


def test_what_is_no_such_folder(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        list(frames(f"class_folders:{tmp_path}/none"))
    with pytest.raises(DataError, match="no folders with texts"):
        list(frames(f"class_folders:{folder}/pos/sub"))
    (folder / "neg" / "7.txt").write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match="binary") as caught:
        list(frames(f"class_folders:{folder}"))
    assert caught.value.where.endswith("7.txt")
    (folder / "neg" / "7.txt").unlink()
    (folder / "neg" / "7.txt").symlink_to("/etc/hostname")
    with pytest.raises(DataError, match="leads out of the folder"):
        list(frames(f"class_folders:{folder}"))


def packed(folder: Path, kind: str, top: str) -> Path:
    """Pack a folder as `films.KIND`, its files below `top`."""
    file = folder.parent / f"films.{kind}"
    members = sorted(path for path in folder.rglob("*") if path.is_file())
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            for path in reversed(members):
                archive.write(path, f"{top}{path.relative_to(folder).as_posix()}")
        return file
    with tarfile.open(file, "w:gz" if kind.endswith("gz") else "w") as archive:
        for path in members:
            archive.add(path, f"{top}{path.relative_to(folder).as_posix()}")
    return file


@pytest.mark.parametrize("top", ["", "films/", "data/films/"])
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tgz"])
def test_an_archive_gives_the_rows_of_the_folder_that_it_is_of(kind: str, top: str, folder: Path) -> None:
    whole = pl.concat(frames(f"class_folders:{folder}", rows=2))
    file = packed(folder, kind, top)
    assert pl.concat(frames(f"class_folders:{file}", rows=2)).equals(whole)
    if top:
        inside = pl.concat(frames(f"class_folders:{file}/{top.rstrip('/')}"))
        assert inside.equals(whole)


def test_files_that_break_off_are_rows_and_are_named(folder: Path) -> None:
    whole = gzip.compress("".join(f"第{number}行\n" for number in range(2000)).encode())
    (folder / "neg" / "0.txt.gz").write_bytes(whole[: len(whole) // 2])
    notes: list[str] = []
    frame = pl.concat(frames(f"class_folders:{folder}", rows=2, note=notes.append))
    text = frame["text"][0]
    assert frame.height == 7, "the files behind it are read, too"
    assert text.startswith("第0行\n第1行\n")
    assert "第1999行" not in text
    assert "\ufffd" not in text
    (note,) = notes
    assert "neg/0.txt.gz: the file breaks off: its end is missing; the rows before the break are kept" in note
    (folder / "neg" / "00.html.gz").write_bytes(gzip.compress(page(LONG).encode())[:-100])
    (folder / "pos" / "9.txt.gz").write_bytes(whole[:5])
    with pytest.raises(CutOffError, match=r"3 files break off: neg/0.txt.gz, neg/00.html.gz, pos/9.txt.gz"):
        list(frames(f"class_folders:{folder}", rows=2))
    assert pl.concat(frames(f"class_folders:{folder}", note=notes.append))["file"].len() == 9


@pytest.mark.parametrize("behind", [100, 512 + 10])
@pytest.mark.parametrize("kind", ["tar", "tar.gz"])
def test_an_archive_that_breaks_off_says_so(kind: str, behind: int, folder: Path) -> None:
    """In the header of a file, which is not there then, or in its text."""
    whole = pl.concat(frames(f"class_folders:{folder}"))
    (folder / "pos" / "long.txt").write_text("x" * 20_000, encoding="utf-8")
    file = packed(folder, "tar", "films/")
    with tarfile.open(file) as archive:
        place = archive.getmember("films/pos/long.txt").offset + behind
    data = file.read_bytes()[:place]
    file.unlink()
    file = folder.parent / f"films.{kind}"
    file.write_bytes(gzip.compress(data) if kind == "tar.gz" else data)
    notes: list[str] = []
    kept = pl.concat(frames(f"class_folders:{file}", note=notes.append))
    assert kept["text"].to_list()[: whole.height - 1] == whole["text"].to_list()[:-1], "what stands before the break"
    assert ["break" in note for note in notes] == [True]
    with pytest.raises(CutOffError, match="break"):
        list(frames(f"class_folders:{file}"))


def test_folders_of_splits_are_no_classes(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label in ("pos", "neg"):
            (tmp_path / "films" / split / label).mkdir(parents=True)
            (tmp_path / "films" / split / label / "1.txt").write_text(f"a {label} film", encoding="utf-8")
    place = f"class_folders:{tmp_path}/films"
    with pytest.raises(DataError, match="the folders test, train are named like splits") as caught:
        list(frames(place))
    given = dict(part.split("=") for part in caught.value.allowed.split())
    assert {split: pl.concat(frames(part))["label"].to_list() for split, part in given.items()} == {
        "test": ["neg", "pos"],
        "train": ["neg", "pos"],
    }
    (frame,) = frames({"class_folders": f"{tmp_path}/films", "deepest": True})
    assert frame["label"].to_list() == ["neg", "pos"] * 2
    (tmp_path / "films" / "test" / "1.txt").write_text("a text", encoding="utf-8")
    assert sum(frame.height for frame in frames(place)) == 5, "a text right in such a folder makes it a class"


def test_an_archive_without_classes(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "flat.zip", "w") as archive:
        archive.writestr("a.txt", "a text")
    with pytest.raises(DataError, match="no folders with texts"):
        list(frames(f"class_folders:{tmp_path}/flat.zip"))
    with pytest.raises(DataError, match="no folders with texts"):
        list(frames(f"class_folders:{tmp_path}/flat.zip/pos"))


def written(folder: Path, *names: str) -> Path:
    """Write a short text into each file of a folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("a film", encoding="utf-8")
    return folder


CLASSES = ("neg/1.txt", "neg/2.txt", "pos/1.txt", "pos/more/2.txt")


def said(source: object) -> list[str]:
    notes: list[str] = []
    list(frames(source, note=notes.append))
    return notes


def test_classes_that_nobody_named_are_hinted_at(tmp_path: Path) -> None:
    """The texts are lines without a label then."""
    folder = written(tmp_path / "films", *CLASSES)
    hint = "the folders that the texts lie in (neg, pos) give no label; if they are the classes, name class_folders:"
    assert said(str(folder)) == [f"{hint}{folder}"]
    assert said(str(folder.parent)) == [f"{hint}{folder}"], "a folder that holds all is looked through"
    archive = packed(folder, "zip", "data/films/")
    (named,) = said(str(archive))
    assert named == f"{hint}{archive}/data/films"
    (frame,) = frames(named.rpartition("name ")[2])
    assert frame["label"].to_list() == ["neg", "neg", "pos", "pos"]
    pages = written(tmp_path / "pages", *(name.replace(".txt", ".html") for name in CLASSES))
    assert said(str(pages))[0] == f"{hint}{pages}", "of pages, too"


def test_splits_of_classes_are_hinted_at(tmp_path: Path) -> None:
    folder = written(tmp_path / "films", *(f"{split}/{name}" for split in ("train", "test") for name in CLASSES))
    (hint,) = said(str(folder))
    assert hint.endswith(f"name test=class_folders:{folder}/test train=class_folders:{folder}/train")


def test_splits_without_classes_are_no_classes(tmp_path: Path) -> None:
    folder = written(tmp_path / "films", *(f"{split}/{number}.txt" for split in ("train", "test") for number in "123"))
    (hint,) = said(str(folder))
    assert hint.endswith(f"if they are splits, name test={folder}/test train={folder}/train")
    with pytest.raises(DataError, match="no classes lie below them") as told:
        list(frames(f"class_folders:{folder}"))
    assert told.value.allowed == f"test={folder}/test train={folder}/train"


def test_chats_in_folders_are_no_classes(tmp_path: Path) -> None:
    chat = "".join(f"31/01/2026, 14:0{minute} - {who}: words\n" for minute, who in enumerate(("Ann", "Bo", "Ann")))
    for name in ("a/1.txt", "a/2.txt", "b/1.txt", "b/2.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(chat)
    assert said(str(tmp_path)) == []


@pytest.mark.parametrize(
    "names",
    [
        ("1.txt", "2.txt", "pos/1.txt", "pos/2.txt"),
        ("1.txt", "2.txt"),
        ("1/a.txt", "2/a.txt", "3/a.txt"),
        ("pos/1.txt", "pos/2.txt"),
    ],
    ids=["beside", "flat", "each its own", "one"],
)
def test_other_folders_are_no_classes(names: tuple[str, ...], tmp_path: Path) -> None:
    assert said(str(written(tmp_path / "films", *names))) == []


def test_who_names_a_reader_means_it(tmp_path: Path) -> None:
    folder = written(tmp_path / "films", *CLASSES)
    assert said({"path": str(folder), "reader": "text"}) == []
    assert said(f"class_folders:{folder}") == []
    assert said([str(folder / name) for name in CLASSES]) == []
