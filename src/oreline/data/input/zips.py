"""Zip archives: their members, and the bytes of each, unpacked as they are read."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from oreline.data.input.compressed import MAX_BYTES, MAX_RATIO, RATIO_FROM_BYTES, CutOffError, Stream
from oreline.data.input.members import (
    MAX_MEMBERS,
    Member,
    decoded_name,
    is_hidden,
    plain_name,
    refuse_no_file,
    refuse_unfit,
)
from oreline.errors import DataError

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
"""LZMA is left out: what it takes of memory is asked for by the file."""
_ENCRYPTED, _UTF8 = 0x1, 0x800
_MAGIC = b"PK\x03\x04"
_PIECE_BYTES = 1 << 20


class Zip:
    """One archive. Raises `DataError` for one that is damaged, encrypted, a bomb, or holds what is refused."""

    broken = ""
    """The list of members stands at the end: an archive that breaks off has none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise _damaged(path, error) from error
        self.members = self._listed()

    def opened(self, member: Member, path: Path) -> Stream:
        """Return a member's bytes; `path` is its own, for messages."""
        try:
            stream = self._file.open(member.place)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
            raise _cut_off(path, error) from error
        return Stream(_pieces(stream, path), stream.close)

    def _listed(self) -> list[Member]:
        infos = self._file.infolist()
        self._refuse_bomb(infos)
        found = []
        for info in infos[: MAX_MEMBERS + 1]:
            name = plain_name(_name_of(info), self._path)
            if info.is_dir() or not name or is_hidden(name):
                continue
            kind = stat.S_IFMT(info.external_attr >> 16)
            if stat.S_ISLNK(kind):
                refuse_no_file(name, "a link", self._path)
            if kind and not stat.S_ISREG(kind):
                refuse_no_file(name, "a device", self._path)
            self._refuse_unreadable(info, name)
            found.append(Member(name, info.file_size, info))
        refuse_unfit(found, self._path)
        return found

    def _refuse_unreadable(self, info: zipfile.ZipInfo, name: str) -> None:
        if info.flag_bits & _ENCRYPTED:
            raise DataError(
                f"the archive is encrypted: its member {name!r} needs a password",
                where=str(self._path),
                remedy=f"unpack it with its password, and name the folder: 7z x {self._path.name} -odata",
            )
        if info.compress_type not in _METHODS:
            raise DataError(
                f"the member {name!r} is packed by method {info.compress_type}",
                where=str(self._path),
                allowed="stored, deflate, bzip2",
                remedy="unpack it and name the folder, or pack it again as other programs do (deflate)",
            )

    def _refuse_bomb(self, infos: list[zipfile.ZipInfo]) -> None:
        size, packed = sum(info.file_size for info in infos), max(self._path.stat().st_size, 1)
        if size > MAX_BYTES or (size > RATIO_FROM_BYTES and size > MAX_RATIO * packed):
            raise DataError(
                f"the archive is a decompression bomb: it unpacks to {size >> 20:,} MB, {size / packed:,.0f} bytes for "
                "each of its own",
                where=str(self._path),
                allowed=f"{MAX_RATIO} bytes for each, and {MAX_BYTES >> 40} TB in all",
                remedy="leave it out; if you know what it holds, unpack it yourself",
            )


def _name_of(info: zipfile.ZipInfo) -> str:
    """Return a member's name; without the mark of UTF-8 the library has read it as code page 437."""
    if info.flag_bits & _UTF8 or info.orig_filename.isascii():
        return info.filename
    try:
        return decoded_name(info.orig_filename.encode("cp437"))
    except UnicodeEncodeError:  # a later field of the archive gave the name in UTF-8
        return info.filename


def _pieces(stream: IO[bytes], path: Path) -> Iterator[bytes]:
    while True:
        try:
            piece = stream.read1(_PIECE_BYTES)  # type: ignore[attr-defined]
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise _cut_off(path, error) from error
        if not piece:
            return
        yield piece


def _cut_off(path: Path, error: Exception) -> CutOffError:
    return CutOffError(
        f"the file breaks off: its data in the archive are damaged ({error})",
        where=str(path),
        remedy="fetch or pack the archive again; only what stands before the break can be read",
    )


def _damaged(path: Path, error: Exception) -> DataError:
    with path.open("rb") as stream:
        head = stream.read(len(_MAGIC))
    if not head:
        what = "the file is empty"
    elif head == _MAGIC:
        what = f"the archive breaks off or is damaged ({error}): its list of members, which stands at its end, is gone"
    else:
        what = "the file is named .zip, and is no zip archive"
    return DataError(what, where=str(path), remedy="fetch or pack it again; `unzip -t` says what is left of it")
