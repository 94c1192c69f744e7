"""Tar archives: members in one pass, what stands before a break, and what is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from oreline.data.input import compressed, tars
from oreline.data.input.compressed import CutOffError
from oreline.data.input.tars import Tar
from oreline.errors import DataError

PACK: dict[str, Callable[[bytes], bytes]] = {
    ".tar": bytes,
    ".tar.gz": gzip.compress,
    ".tgz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".txz": lzma.compress,
    ".tar.zst": lambda data: b"".join(zstandard.compress(data[n : n + 30_000]) for n in range(0, len(data), 30_000)),
}
TEXT = "".join(f"{number * 7919 % 10007:x} 这部电影\n" for number in range(3000)).encode()
MEMBERS = {"x/a.csv": TEXT, ".hidden": b"x", "评论.csv": TEXT[::-1], "c.csv": b""}


def plain(members: dict[str, bytes], kind: bytes = tarfile.REGTYPE, **options: Any) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", **options) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.type = len(data), kind
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def write(folder: Path, data: bytes, suffix: str = ".tar") -> Path:
    file = folder / f"a{suffix}"
    file.write_bytes(PACK[suffix](data))
    return file


def read(archive: Tar, number: int) -> tuple[bytes, CutOffError | None]:
    member, parts = archive.members[number], []
    with archive.opened(member, Path("a.tar") / member.name) as stream:
        while True:
            try:
                part = stream.read(999)
            except CutOffError as error:
                return b"".join(parts), error
            if not part:
                return b"".join(parts), None
            parts.append(part)


@pytest.mark.parametrize("suffix", PACK)
def test_members_come_back_in_any_order(tmp_path: Path, suffix: str) -> None:
    archive = Tar(write(tmp_path, plain(MEMBERS), suffix))
    assert [member.name for member in archive.members] == ["x/a.csv", "评论.csv", "c.csv"]
    assert archive.broken == ""
    for number in (0, 1, 2, 0, 0, 1):
        expected = list(MEMBERS.values())[[0, 2, 3][number]]
        assert read(archive, number) == (expected, None)


def test_two_members_at_once(tmp_path: Path) -> None:
    archive = Tar(write(tmp_path, plain(MEMBERS), ".tgz"))
    first, second = (archive.opened(member, Path("a")) for member in archive.members[:2])
    with first, second:
        parts = [(first.read(5000), second.read(5000)) for _ in range(3)]
    assert b"".join(one for one, _ in parts) == TEXT[:15_000]
    assert b"".join(other for _, other in parts) == TEXT[::-1][:15_000]


def test_names_in_gbk(tmp_path: Path) -> None:
    file = write(tmp_path, plain({"评论.csv": b"x"}, format=tarfile.GNU_FORMAT, encoding="gbk"))
    assert [member.name for member in Tar(file).members] == ["评论.csv"]


@pytest.mark.parametrize("suffix", [suffix for suffix in PACK if suffix != ".tar.bz2"])  # one block, whole or not
def test_what_stands_before_a_break_is_kept(tmp_path: Path, suffix: str) -> None:
    file = write(tmp_path, plain({"a.csv": TEXT, "b.csv": TEXT[::-1]}), suffix)
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * 0.7)])
    archive = Tar(file)
    assert "breaks off" in archive.broken
    assert read(archive, 0)[0] == TEXT
    if len(archive.members) == 2:
        found, error = read(archive, 1)
        assert TEXT[::-1].startswith(found)
        assert error is not None
        assert "breaks off" in error.what


def test_a_header_that_is_damaged_is_not_the_end(tmp_path: Path) -> None:
    data = bytearray(plain({"a.csv": b"x" * 512, "b.csv": b"y"}))
    data[1024 + 150] ^= 0xFF  # the checksum of the second header
    archive = Tar(write(tmp_path, bytes(data)))
    assert [member.name for member in archive.members] == ["a.csv"]
    assert "header is damaged" in archive.broken


def test_what_is_no_tar(tmp_path: Path) -> None:
    for data in (b"", b"text,label\n" * 1000):
        with pytest.raises(DataError, match="before its first file"):
            Tar(write(tmp_path, data))
    (tmp_path / "b.tar.gz").write_bytes(b"plain")
    with pytest.raises(DataError, match="not compressed with gzip"):
        Tar(tmp_path / "b.tar.gz")
    assert Tar(write(tmp_path, plain({}))).members == []


@pytest.mark.parametrize(
    ("kind", "says"),
    [(tarfile.SYMTYPE, "is a link"), (tarfile.LNKTYPE, "is a link"), (tarfile.CHRTYPE, "a device"), (tarfile.FIFOTYPE, "a device")],
)  # fmt: skip
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says):
        Tar(write(tmp_path, plain({"a.csv": b""}, kind)))


def test_a_long_name_beyond_reason_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tars, "_MAX_HEADER_BYTES", 1000)
    with pytest.raises(DataError, match="impossible size"):
        Tar(write(tmp_path, plain({"x" * 2000: b""}, format=tarfile.GNU_FORMAT)))


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "RATIO_FROM_BYTES", 1 << 20)
    with pytest.raises(DataError, match="decompression bomb"):
        Tar(write(tmp_path, plain({"a.csv": bytes(8 << 20)}), ".tgz"))


def test_a_large_member_lies_on_disk_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tars, "_IN_MEMORY_BYTES", 1000)
    archive = Tar(write(tmp_path, plain(MEMBERS), ".tgz"))
    assert read(archive, 0) == (TEXT, None)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.tgz"]
