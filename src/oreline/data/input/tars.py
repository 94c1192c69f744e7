"""Tar archives, compressed or not: their members, and the bytes of each."""

from __future__ import annotations

import errno
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from oreline.data.input.compressed import PACKINGS, Bytes, CutOffError, Packing, Stream, unpacked
from oreline.data.input.members import (
    MAX_MEMBERS,
    Member,
    decoded_name,
    is_hidden,
    plain_name,
    refuse_no_file,
    refuse_unfit,
)
from oreline.errors import DataError, ResourceError

_SHORT = {".tgz": ".gz", ".tbz2": ".bz2", ".txz": ".xz", ".tzst": ".zst"}
_PIECE_BYTES = 1 << 20
_IN_MEMORY_BYTES = 16 << 20
_MAX_HEADER_BYTES = 1 << 20
"""Of a header that holds a long name or other facts: the library reads it whole."""
_LONG = (b"x", b"g", b"X", b"L", b"K")
_FAULTS = (tarfile.TarError, EOFError, ValueError, OverflowError)


class _Header(tarfile.TarInfo):
    """A header that is damaged is an error wherever it stands; the library would take it for the end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: Any, errors: str) -> _Header:
        """Read a header. Raises `tarfile.HeaderError`."""
        found = super().frombuf(buf, encoding, errors)
        if found.size < 0 or (found.type in _LONG and found.size > _MAX_HEADER_BYTES):
            raise tarfile.ReadError("a header with an impossible size")
        return found

    @classmethod
    def fromtarfile(cls, tarfile: Any) -> _Header:
        """Read the next member's header. Raises `tarfile.ReadError` for one that is missing or damaged."""
        try:
            return super().fromtarfile(tarfile)
        except HeaderError as error:
            if type(error).__name__ == "EOFHeaderError":  # the zeros that end an archive
                raise
            raise ReadError(f"a member's header is damaged: {error}") from error


HeaderError, ReadError = tarfile.HeaderError, tarfile.ReadError


class Tar:
    """One archive. Raises `DataError` for one that is damaged from its beginning, a bomb, or holds what is refused.

    A compressed one is read from its beginning on: the member that was asked for last is held, in memory or in a
    temporary file without a name, and the next one is looked for behind it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._packing = _packing_of(path)
        self._reading: Bytes | None = None
        self._at = 0
        self._held: tuple[int, IO[bytes], CutOffError | None] | None = None
        self.broken = ""
        """Why members may be missing at the end."""
        self.members = self._listed()

    def __del__(self) -> None:
        """Close what is open."""
        self._close()

    def opened(self, member: Member, path: Path) -> Stream:
        """Return a member's bytes; `path` is its own, for messages."""
        if self._packing is not None:
            return Stream(self._held_pieces(member, path), lambda: None)
        stream = self._path.open("rb")
        stream.seek(member.place)
        return Stream(_plain_pieces(stream, member.size, path), stream.close)

    def _opened(self) -> Bytes:
        stream: Bytes = self._path.open("rb")
        return unpacked(self._path, stream, self._packing) if self._packing else stream

    def _listed(self) -> list[Member]:
        found: list[Member] = []
        options: dict[str, Any] = {"tarinfo": _Header, "encoding": "utf-8", "errors": "surrogateescape"}
        with self._opened() as stream:
            try:
                with tarfile.open(fileobj=stream, mode="r|", **options) as tar:  # type: ignore[call-overload]
                    while len(found) <= MAX_MEMBERS and (info := tar.next()) is not None:
                        tar.members.clear()  # it would keep all
                        self._take(info, found)
            except CutOffError as error:
                self.broken = error.what
            except _FAULTS as error:
                self.broken = f"the archive breaks off or is damaged: {error}"
        if self.broken and not found:
            raise DataError(
                f"{self.broken}, before its first file", where=str(self._path), remedy="fetch or pack it again"
            )
        refuse_unfit(found, self._path)
        return found

    def _take(self, info: tarfile.TarInfo, found: list[Member]) -> None:
        raw = info.name.encode("utf-8", "surrogateescape")
        name = plain_name(decoded_name(raw), self._path)
        if info.isdir() or not name or is_hidden(name):
            return
        if info.issym() or info.islnk():
            refuse_no_file(name, f"a link to {info.linkname[:200]!r}", self._path)
        if info.issparse():
            refuse_no_file(name, "a sparse file", self._path)
        if not info.isreg():
            refuse_no_file(name, "a device", self._path)
        found.append(Member(name, info.size, info.offset_data))

    def _held_pieces(self, member: Member, path: Path) -> Iterator[bytes]:
        done = 0
        while True:
            held, fault = self._hold(member)
            held.seek(done)
            piece = held.read(_PIECE_BYTES)
            if piece:
                done += len(piece)
                yield piece
                continue
            if fault is not None:
                raise CutOffError(fault.what, where=str(path), remedy=fault.remedy)
            return

    def _hold(self, member: Member) -> tuple[IO[bytes], CutOffError | None]:
        """Return a member's content, and why its end is missing."""
        if self._held is None or self._held[0] != member.place:
            if self._reading is None or self._at > member.place:
                self._close()
                self._reading, self._at = self._opened(), 0
            if self._held is not None:
                self._held[1].close()
                self._held = None
            held: Any = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115  closed by the next one
            fault = self._copy(self._reading, member, held)
            self._held = (member.place, held, fault)
        return self._held[1], self._held[2]

    def _copy(self, stream: Bytes, member: Member, held: IO[bytes]) -> CutOffError | None:
        end = member.place + member.size
        try:
            while self._at < end:
                border = member.place if self._at < member.place else end
                piece = stream.read(min(border - self._at, _PIECE_BYTES))
                if not piece:
                    return _cut_off(self._path)
                if self._at >= member.place:
                    held.write(piece)
                self._at += len(piece)
        except CutOffError as error:
            return error
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise ResourceError(
                f"no room to unpack a member of {member.size >> 20:,} MB",
                where=tempfile.gettempdir(),
                remedy="free some space, or name a folder on another disk: export TMPDIR=…",
            ) from error
        return None

    def _close(self) -> None:
        if self._held is not None:
            self._held[1].close()
        if self._reading is not None:
            self._reading.__exit__(None, None, None)
        self._held = self._reading = None


def _plain_pieces(stream: IO[bytes], size: int, path: Path) -> Iterator[bytes]:
    left = size
    while left:
        piece = stream.read(min(left, _PIECE_BYTES))
        if not piece:
            raise _cut_off(path)
        left -= len(piece)
        yield piece


def _packing_of(path: Path) -> Packing | None:
    suffix = path.suffix.lower()
    return PACKINGS.get(_SHORT.get(suffix, suffix))


def _cut_off(path: Path) -> CutOffError:
    return CutOffError(
        "the file breaks off: its end is missing in the archive",
        where=str(path),
        remedy="fetch or pack the archive again; only what stands before the break can be read",
    )
