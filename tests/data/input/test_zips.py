"""Zip archives: members as they are unpacked, and what is refused."""

from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from oreline.data.input import zips
from oreline.data.input.compressed import CutOffError
from oreline.data.input.zips import Zip
from oreline.errors import DataError

TEXT = "".join(f"{number * 7919 % 10007:x} 这部电影\n" for number in range(30_000)).encode()


def write(folder: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    file = folder / "a.zip"
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file


def read(file: Path, number: int = 0) -> bytes:
    archive = Zip(file)
    member = archive.members[number]
    with archive.opened(member, file / member.name) as stream:
        parts = iter(lambda: stream.read(50_000), b"")
        return b"".join(parts)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_members_come_back(tmp_path: Path, method: int) -> None:
    file = write(tmp_path, {"x/": b"", "x/a.csv": TEXT, ".hidden": b"x", "__MACOSX/._a.csv": b"x", "b": b""}, method)
    assert [(member.name, member.size) for member in Zip(file).members] == [("x/a.csv", len(TEXT)), ("b", 0)]
    assert read(file) == TEXT
    assert read(file, 1) == b""


def test_a_name_in_gbk_without_a_mark_of_its_encoding(tmp_path: Path) -> None:
    file = write(tmp_path, {"abcd.csv": b"text\nx\n"})
    file.write_bytes(file.read_bytes().replace(b"abcd.csv", "评论".encode("gbk") + b".csv"))
    assert [member.name for member in Zip(file).members] == ["评论.csv"]
    assert read(file) == b"text\nx\n"
    named = write(tmp_path, {"评论.csv": b"text\nx\n"})  # with the mark of UTF-8
    assert [member.name for member in Zip(named).members] == ["评论.csv"]


def test_damaged_data_end_a_member_after_the_good_ones(tmp_path: Path) -> None:
    file = write(tmp_path, {"a.csv": TEXT * 4}, zipfile.ZIP_STORED)
    data = bytearray(file.read_bytes())
    data[3 * len(TEXT)] ^= 0xFF
    file.write_bytes(bytes(data))
    archive, found = Zip(file), []
    with (
        archive.opened(archive.members[0], file / "a.csv") as stream,
        pytest.raises(CutOffError, match="its data in the archive are damaged") as caught,
    ):
        while True:
            found.append(stream.read(1000))
    assert caught.value.where == str(file / "a.csv")
    assert len(b"".join(found)) > 2 * len(TEXT)


def test_what_is_no_zip_or_breaks_off(tmp_path: Path) -> None:
    whole = write(tmp_path, {"a.csv": TEXT}).read_bytes()
    for data, says in ((b"", "is empty"), (b"text\n", "is no zip archive"), (whole[:-40], "breaks off or is damaged")):
        (tmp_path / "b.zip").write_bytes(data)
        with pytest.raises(DataError, match=says) as caught:
            Zip(tmp_path / "b.zip")
        assert caught.value.where == str(tmp_path / "b.zip")


def test_an_encrypted_archive_says_how_to_go_on(tmp_path: Path) -> None:
    file = write(tmp_path, {"a.csv": b"text\nx\n"}, zipfile.ZIP_STORED)
    data = bytearray(file.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the bit of both headers
        data[data.find(signature) + offset] |= 1
    file.write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"is encrypted: its member 'a\.csv' needs a password") as caught:
        Zip(file)
    assert "unpack it with its password" in caught.value.remedy


def test_links_devices_and_foreign_packings_are_refused(tmp_path: Path) -> None:
    for mode, says in ((stat.S_IFLNK, "is a link"), (stat.S_IFCHR, "is a device")):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            info = zipfile.ZipInfo("a.csv")
            info.external_attr = (mode | 0o644) << 16
            archive.writestr(info, "/etc/passwd")
        with pytest.raises(DataError, match=says):
            Zip(tmp_path / "a.zip")
    with pytest.raises(DataError, match="packed by method 14"):
        Zip(write(tmp_path, {"a.csv": b"x"}, zipfile.ZIP_LZMA))


def test_a_bomb_is_refused_by_what_it_says_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "RATIO_FROM_BYTES", 1 << 20)
    file = write(tmp_path, {"a.csv": bytes(2 << 20)})
    with pytest.raises(DataError, match="decompression bomb: it unpacks to 2 MB"):
        Zip(file)


def test_a_member_never_gives_more_than_its_list_says(tmp_path: Path) -> None:
    """A bomb may say that it is small."""
    file = write(tmp_path, {"a.csv": bytes(1 << 20)})
    data = bytearray(file.read_bytes())
    place = data.find(b"PK\x01\x02") + 24
    data[place : place + 4] = struct.pack("<I", 100)
    file.write_bytes(bytes(data))
    archive = Zip(file)
    with archive.opened(archive.members[0], file / "a.csv") as stream, pytest.raises(CutOffError):
        while stream.read(1000):
            pass
