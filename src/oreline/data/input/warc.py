"""WARC, the format of web archives: records, and the HTTP answers in them.

ISO 28500; https://iipc.github.io/warc-specifications/.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from oreline.data.input.archives import opened
from oreline.data.input.compressed import Bytes, CutOffError
from oreline.errors import DataError

MAX_RECORD_BYTES = 16 << 20
MAX_HEAD_BYTES = 64 << 10
_PART_BYTES = 1 << 20
_VERSION = re.compile(rb"WARC/\d+\.\d+\s*$")


class Answer(NamedTuple):
    """One HTTP answer of an archive."""

    url: str
    date: str
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Skipped(NamedTuple):
    """A record that holds no answer that can be read."""

    why: str


def answers(path: Path) -> Iterator[Answer | Skipped]:
    """Yield the records of type `response`, or why one cannot be read; requests and metadata are passed over.

    Raises `DataError` for a file that is no WARC, and `CutOffError` where it breaks off.
    """
    with opened(path) as stream:
        source = _Lines(stream, path)
        number = 0
        while True:
            line = source.line()
            while line in (b"\r\n", b"\n"):
                line = source.line()
            if not line:
                break
            number += 1
            if not _VERSION.match(line):
                what = f"record {number} does not begin as one" if number > 1 else "the file is no WARC"
                raise DataError(what, where=f"{path}, record {number}", remedy="check what the file holds")
            headers = source.headers()
            yield from _record(source, headers, f"{path}, record {number}")
    if not number:
        raise DataError("the file is empty", where=str(path), remedy="check how it was written, or leave it out")


def _record(source: _Lines, headers: Mapping[str, str], where: str) -> Iterator[Answer | Skipped]:
    try:
        length = int(headers.get("content-length", ""))
    except ValueError:
        length = -1
    if length < 0:
        raise DataError("the record has no length", where=where, remedy="fetch or write the file again")
    if headers.get("warc-type", "").lower() != "response":
        source.skip(length)
        return
    if length > MAX_RECORD_BYTES:
        source.skip(length)
        yield Skipped(f"longer than {MAX_RECORD_BYTES >> 20} MB")
        return
    url = headers.get("warc-target-uri", "").strip("<>")
    yield _answer(source.exactly(length), url, headers.get("warc-date", ""))


def _answer(data: bytes, url: str, date: str) -> Answer | Skipped:
    head, separator, body = data.partition(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    found = re.match(rb"HTTP/\d(?:\.\d)?\s+(\d{3})", first)
    if not separator or not found:
        return Skipped("no HTTP answer")
    headers = parsed_headers(rest.split(b"\r\n"))
    try:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = unchunked(body)
        body = unpacked(body, headers.get("content-encoding", ""))
    except ValueError as error:
        return Skipped(str(error))
    return Answer(url, date, int(found[1]), headers, body)


def parsed_headers(lines: list[bytes]) -> dict[str, str]:
    """Return headers by their names in lower case; a line that begins with a space goes on with the one before."""
    headers: dict[str, str] = {}
    last = ""
    for line in lines:
        text = line.decode("utf-8", "replace")
        if text[:1] in (" ", "\t") and last:
            headers[last] += " " + text.strip()
            continue
        name, separator, value = text.partition(":")
        if separator:
            last = name.strip().lower()
            headers[last] = value.strip()
    return headers


def unchunked(body: bytes) -> bytes:
    """Return a body without the lengths of its chunks; archives that stored it plain are taken as they are.

    >>> unchunked(b"4\\r\\nWiki\\r\\n5\\r\\npedia\\r\\n0\\r\\n\\r\\n")
    b'Wikipedia'
    """
    parts: list[bytes] = []
    at = 0
    while at < len(body):
        end = body.find(b"\r\n", at)
        size = re.fullmatch(rb"([0-9a-fA-F]{1,8})(?:;.*)?\s*", body[at : max(end, at)])
        if end < 0 or not size:
            return body if not parts else b"".join(parts)
        length = int(size[1], 16)
        if not length:
            break
        parts.append(body[end + 2 : end + 2 + length])
        at = end + 2 + length + 2
    return b"".join(parts)


def unpacked(body: bytes, encoding: str) -> bytes:
    """Return a body as it was before it was compressed for the way. Raises `ValueError` for what cannot be unpacked."""
    name = encoding.strip().lower()
    if name in ("", "identity") or not body:
        return body
    if name not in ("gzip", "x-gzip", "deflate"):
        raise ValueError(f"compressed as {name[:20]!r}")
    if name != "deflate" and not body.startswith(b"\x1f\x8b"):
        return body  # archives often keep the header of what they have unpacked
    for bits in (47, -15):
        try:
            inner = zlib.decompressobj(wbits=bits)
            out = inner.decompress(body, MAX_RECORD_BYTES)
        except zlib.error:
            continue
        if inner.unconsumed_tail:
            raise ValueError(f"unpacks to more than {MAX_RECORD_BYTES >> 20} MB")
        return out
    raise ValueError("damaged")


class _Lines:
    """Lines and blocks of a stream, with bounds."""

    def __init__(self, stream: Bytes, path: Path) -> None:
        self._stream, self._path = stream, path
        self._held = b""

    def line(self) -> bytes:
        """Return the next line with its end; nothing at the end of the file."""
        while (end := self._held.find(b"\n")) < 0:
            more = self._stream.read(_PART_BYTES)
            if not more and self._held:
                raise _cut_off(self._path)
            if not more:
                return b""
            self._held += more
            if len(self._held) > MAX_HEAD_BYTES and b"\n" not in self._held:
                raise DataError("the file is no WARC", where=str(self._path), remedy="check what the file holds")
        line, self._held = self._held[: end + 1], self._held[end + 1 :]
        return line

    def headers(self) -> dict[str, str]:
        """Return the headers up to the empty line."""
        lines: list[bytes] = []
        size = 0
        while (line := self.line()).strip():
            lines.append(line.rstrip(b"\r\n"))
            size += len(line)
            if size > MAX_HEAD_BYTES:
                raise DataError("a record's head has no end", where=str(self._path), remedy="fetch the file again")
        if not line:
            raise _cut_off(self._path)
        return parsed_headers(lines)

    def exactly(self, length: int) -> bytes:
        """Return so many bytes. Raises `CutOffError` when there are fewer."""
        parts, have = [self._held], len(self._held)
        while have < length:
            more = self._stream.read(_PART_BYTES)
            if not more:
                raise _cut_off(self._path)
            parts.append(more)
            have += len(more)
        whole = b"".join(parts)
        self._held = whole[length:]
        return whole[:length]

    def skip(self, length: int) -> None:
        """Go past so many bytes."""
        while length > len(self._held):
            length -= len(self._held)
            self._held = self._stream.read(_PART_BYTES)
            if not self._held:
                raise _cut_off(self._path)
        self._held = self._held[length:]


def _cut_off(path: Path) -> CutOffError:
    return CutOffError(
        "the file breaks off within a record",
        where=str(path),
        remedy="fetch or write it again; only what stands before the break can be read",
    )
