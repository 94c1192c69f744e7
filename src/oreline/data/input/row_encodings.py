"""Files whose rows are in different encodings: each row is decoded with the first that fits."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path

from oreline.data.input import decoding
from oreline.data.input.archives import opened
from oreline.errors import UsageError


def text_blocks(path: Path, encodings: Sequence[str] = ()) -> Iterator[bytes]:
    """Yield a file's content as UTF-8.

    Args:
        path: the file; compressed where its suffix says so.
        encodings: names of Python's codecs, tried in this order for each line; none: the file has one encoding, which
            is detected.

    Raises:
        UsageError: a codec that does not exist, or in which a line end is not the byte 0x0A.
        UndecodableError: after the last good block, for bytes that are no text.
        CutOffError: after the last good block of a compressed file that breaks off.
    """
    if encodings:
        return _row_blocks(path, [checked_codec(name) for name in encodings])
    return decoding.utf8_blocks(path, decoding.encoding_of(path))


def line_blocks(path: Path, encodings: Sequence[str] = ()) -> Iterator[bytes]:
    """Yield a text file as UTF-8 in blocks that end with a line end, so that no line is cut.

    Raises `DataError`, naming the line, for bytes that are no text and for a line above 16 MB, and `CutOffError` where
    a compressed file breaks off: the torn line is left out. A file whose first block has only the line ends of old
    Macs (CR) is read by these.
    """
    pending = b""
    num_lines = 0
    only_returns: bool | None = None
    blocks = text_blocks(path, encodings)
    while True:
        try:
            block = next(blocks, None)
        except decoding.UndecodableError as error:
            raise decoding.undecodable(error, f"{path}, line {num_lines + 1}") from error
        if block is None:
            break
        if only_returns is None and block.strip(b"\r"):
            only_returns = b"\r" in block.rstrip(b"\r") and b"\n" not in block
        pending += block.replace(b"\r", b"\n") if only_returns else block
        end = pending.rfind(b"\n") + 1
        if end:
            yield pending[:end]
            num_lines += pending.count(b"\n", 0, end)
            pending = pending[end:]
        if len(pending) > decoding.MAX_ROW_BYTES:
            raise decoding.too_long(f"{path}, line {num_lines + 1}")
    if pending:
        yield pending + b"\n"


def checked_codec(name: str) -> str:
    """Return a codec's name. Raises `UsageError` for one that does not exist, or that is none of single lines."""
    try:
        if "\n".encode(name) == b"\n":
            return codecs.lookup(name).name
        why = "is not one of single lines"
    except (LookupError, UnicodeError, ValueError, TypeError):
        why = "is not known"
    raise UsageError(
        f"the encoding {name!r} {why}",
        allowed="codecs in which a line end is one byte: utf-8, gb18030, big5, cp1252, latin-1, …",
        remedy="leave `encodings` out for a file of one encoding: UTF-8, UTF-16 and GB18030 are detected",
    )


def _row_blocks(path: Path, codecs_: Sequence[str]) -> Iterator[bytes]:
    offset = 0
    pending = b""
    with opened(path) as stream:
        block = stream.read(decoding.BLOCK_BYTES)
        decoding.refuse_binary(block, path)
        if block.startswith(codecs.BOM_UTF8):
            block, offset = block[len(codecs.BOM_UTF8) :], len(codecs.BOM_UTF8)
        while block:
            whole = pending + block
            end = len(whole) if len(whole) > decoding.MAX_ROW_BYTES else whole.rfind(b"\n") + 1
            yield from _decoded(whole[:end], offset, codecs_)
            offset += end
            pending = whole[end:]
            block = stream.read(decoding.BLOCK_BYTES)
    yield from _decoded(pending, offset, codecs_)


def _decoded(data: bytes, offset: int, codecs_: Sequence[str]) -> Iterator[bytes]:
    try:
        yield data.decode(codecs_[0]).encode()
        return
    except UnicodeError:
        lines = data.split(b"\n")
    good: list[bytes] = []
    for number, line in enumerate(lines):
        text = _first_fit(line, codecs_)
        if text is None:
            yield b"".join(row + b"\n" for row in good)
            names = " or ".join(codecs_)
            error = _fault(line, codecs_[-1])
            start = offset + sum(len(before) + 1 for before in lines[:number])
            raise decoding.UndecodableError(names, start + error, line[error])
        good.append(text)
    yield b"\n".join(good)


def _first_fit(line: bytes, codecs_: Sequence[str]) -> bytes | None:
    for name in codecs_:
        try:
            return line.decode(name).encode()
        except UnicodeError:
            continue
    return None


def _fault(line: bytes, codec: str) -> int:
    """Return where a line is no text in a codec."""
    try:
        line.decode(codec)
    except UnicodeDecodeError as error:
        return error.start
    return 0
