"""Compressed files, unpacked a block at a time.

A file that breaks off gives all that stands before the break, and then says so. A decompression bomb is refused by the
bytes that it makes of each byte, before it fills memory or disk.
"""

from __future__ import annotations

import bz2
import itertools
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from oreline.errors import DataError

T = TypeVar("T")

MAX_RATIO = 200
"""Bytes out for each byte in. Text comes to 3 to 20, and gzip can pack nothing tighter than 1,032."""
RATIO_FROM_BYTES = 64 << 20
"""Bytes out before the ratio is looked at: short files of equal rows pack tighter than any text."""
MAX_BYTES = 1 << 40
"""A larger text is no file for one machine."""

_BATCH_CHARACTERS = 16 << 20
_INPUT_BYTES = 64 << 10
_OUTPUT_BYTES = 1 << 20
_ZSTD_INPUT_BYTES = 1 << 10
"""Four bytes of Zstandard may stand for 128 kB, and its library has no bound for what one call returns."""
_MAX_WINDOW_BYTES = 128 << 20
_MAX_LZMA_BYTES = 256 << 20


class CutOffError(DataError):
    """The rest of a file is missing or broken; what stands before it was yielded already."""


def batches(items: Iterator[T], size: int, *, weigh: Callable[[T], int] | None = None) -> Iterator[list[T]]:
    """Yield items in lists of at most so many. Where they break off, those before the break come first.

    Args:
        items: of any kind.
        size: in a list, at most.
        weigh: returns how long an item is: a list ends with the item with which it has 16 million characters.
    """
    broken: CutOffError | None = None
    while broken is None:
        part: list[T] = []
        weight = 0
        try:
            for item in itertools.islice(items, size):
                part.append(item)  # what was there before an error is kept
                weight += weigh(item) if weigh is not None else 0
                if weight >= _BATCH_CHARACTERS:
                    break
        except CutOffError as error:
            broken = error
        if part:
            yield part
        elif broken is None:
            return
    raise broken


class Bytes(Protocol):
    """What is read from: a file, or what is unpacked of one."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: Any) -> None: ...


class Packing(NamedTuple):
    """One way to compress."""

    name: str
    magic: bytes
    make: Callable[[], Any]


class _Gzip:
    """One member of a gzip file; its length and checksum are compared."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def step(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """Return `(output, what is left of data, whether the member has ended)`."""
        out = self._inner.decompress(data, _OUTPUT_BYTES)
        ended = self._inner.eof
        return out, self._inner.unused_data if ended else self._inner.unconsumed_tail, ended


class _Buffered:
    """One stream of bzip2 or xz."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def step(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """As above; the library keeps what it has not unpacked yet."""
        takes = self._inner.needs_input
        out = self._inner.decompress(data if takes else b"", _OUTPUT_BYTES)
        rest = b"" if takes else data
        return out, self._inner.unused_data + rest if self._inner.eof else rest, self._inner.eof


class _Zstandard:
    """One frame of a Zstandard file."""

    def __init__(self) -> None:
        import zstandard

        self._inner = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES).decompressobj()

    def step(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """As above."""
        out = self._inner.decompress(data[:_ZSTD_INPUT_BYTES])
        rest = data[_ZSTD_INPUT_BYTES:]
        ended = self._inner.eof
        return out, self._inner.unused_data + rest if ended else rest, ended


def _bzip2() -> _Buffered:
    return _Buffered(bz2.BZ2Decompressor())


def _xz() -> _Buffered:
    return _Buffered(lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MAX_LZMA_BYTES))


PACKINGS = {
    ".gz": Packing("gzip", b"\x1f\x8b", _Gzip),
    ".zst": Packing("Zstandard", b"\x28\xb5\x2f\xfd", _Zstandard),
    ".bz2": Packing("bzip2", b"BZh", _bzip2),
    ".xz": Packing("xz", b"\xfd7zXZ\0", _xz),
}
"""By the suffix of the file."""


def unpacked_name(path: Path) -> Path:
    """Return a file's path without the suffix of its compression.

    >>> unpacked_name(Path("reviews.csv.gz")).name, unpacked_name(Path("reviews.csv")).name
    ('reviews.csv', 'reviews.csv')
    """
    return path.with_suffix("") if path.suffix.lower() in PACKINGS else path


def opened(path: Path) -> Bytes:
    """Open a file to read its bytes, unpacked where its suffix says that it is compressed.

    `read` raises `CutOffError` after the last good byte of a file that breaks off, and `DataError` for one that is not
    compressed as its name says, or that is a decompression bomb.
    """
    stream: Bytes = path.open("rb")
    return unpacked(path, stream) if path.suffix.lower() in PACKINGS else stream


class Stream:
    """Bytes that come in pieces, one after the other; what stands before a break is returned first."""

    def __init__(self, pieces: Iterator[bytes], close: Callable[[], None]) -> None:
        self._pieces, self._close = pieces, close
        self._held = b""
        self._fault: CutOffError | None = None

    def read(self, size: int = -1, /) -> bytes:
        """Return the next `size` bytes, fewer only at the end or before a break; all of them for -1."""
        parts, length = [self._held], len(self._held)
        while (size < 0 or length < size) and self._fault is None:
            try:
                piece = next(self._pieces, b"")
            except CutOffError as error:
                self._fault = error
                break
            if not piece:
                break
            parts.append(piece)
            length += len(piece)
        if self._fault is not None and not length:
            raise self._fault
        whole = b"".join(parts)
        self._held = whole[size:] if size >= 0 else b""
        return whole[:size] if size >= 0 else whole

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()


def beginning_of(stream: Bytes, size: int) -> tuple[bytes, CutOffError | None]:
    """Return the first `size` bytes, and why there are fewer where the file breaks off before.

    Raises `CutOffError` where it breaks off before the first.
    """
    data = stream.read(size)
    if len(data) < size:
        try:
            stream.read(1)  # what breaks off says so only after its last byte
        except CutOffError as error:
            return data, error
    return data, None


def unpacked(path: Path, stream: Bytes, packing: Packing | None = None) -> Stream:
    """Return the unpacked bytes of a stream, which is closed with it.

    Args:
        path: for messages.
        stream: the packed bytes.
        packing: how they are packed; as the path's suffix says when not given.
    """
    pieces = _Unpacking(path, packing or PACKINGS[path.suffix.lower()], stream).pieces()
    return Stream(pieces, lambda: stream.__exit__(None, None, None))


class _Unpacking:
    """Unpacks one stream."""

    def __init__(self, path: Path, packing: Packing, stream: Bytes) -> None:
        self._path, self._packing, self._stream = path, packing, stream
        self._num_in = self._num_out = 0

    def _more(self) -> bytes:
        data = self._stream.read(_INPUT_BYTES)
        self._num_in += len(data)
        return data

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes; see `opened`."""
        data = self._more()
        if not data:
            raise DataError("the file is empty", where=str(self._path), remedy="check how it was written")
        if not data.startswith(self._packing.magic[: len(data)]):
            raise DataError(
                f"the file is named {self._path.suffix}, and is not compressed with {self._packing.name}",
                where=str(self._path),
                remedy=f"rename it to {unpacked_name(self._path).name}, or write it again",
            )
        while data:
            member, ended = self._packing.make(), False
            while not ended:
                try:
                    out, data, ended = member.step(data)
                except _faults() as error:
                    raise self._cut_off(f"its data are damaged ({error})") from error
                if out:
                    self._num_out += len(out)
                    self._refuse_bomb()
                    yield out
                elif not data and not ended and not (data := self._more()):
                    raise self._cut_off("its end is missing")
            data = data.lstrip(b"\0")  # padding between two members
            while not data and (more := self._more()):
                data = more.lstrip(b"\0")

    def _refuse_bomb(self) -> None:
        ratio = self._num_out / max(self._num_in, 1)
        if (self._num_out > RATIO_FROM_BYTES and ratio > MAX_RATIO) or self._num_out > MAX_BYTES:
            raise DataError(
                f"the file is a decompression bomb: {self._num_out >> 20:,} MB so far, {ratio:,.0f} bytes for each",
                where=str(self._path),
                allowed=f"{MAX_RATIO} bytes for each, and {MAX_BYTES >> 40} TB in all",
                remedy="leave it out; if you know what it holds, unpack it yourself",
            )

    def _cut_off(self, reason: str) -> CutOffError:
        return CutOffError(
            f"the file breaks off: {reason}",
            where=str(self._path),
            remedy="fetch or write it again; only what stands before the break can be read",
        )


def _faults() -> tuple[type[Exception], ...]:
    """Return what the libraries raise for damaged data."""
    try:
        import zstandard
    except ModuleNotFoundError:
        return (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)
    return (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError, ValueError)
