"""From bytes of unknown encoding to UTF-8, a block at a time.

Known: UTF-8 and UTF-16, each with and without byte-order mark, and GB18030 (with it GBK and GB2312). Anything
else is refused rather than guessed: a wrong guess would be stored as text and trained on.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from oreline.data.input.archives import opened
from oreline.data.input.compressed import CutOffError
from oreline.data.input.mixed_encodings import offset_of, utf8_lines, without_lines
from oreline.errors import DataError

BLOCK_BYTES = 4 << 20
MAX_ROW_BYTES = 16 << 20
"""A longer row is a file that lost its line ends, not a text."""

_SIGNATURES = {
    b"PK\x03\x04": (
        "a zip archive or an Excel workbook",
        "save the sheet as CSV, name a workbook .xlsx, or unpack it",
    ),
    b"\xd0\xcf\x11\xe0": ("an old Office file", "name a workbook .xls, or save the sheet as CSV (UTF-8)"),
    b"\x1f\x8b": ("compressed with gzip", "name it FILE.gz, or unpack it: gunzip FILE"),
    b"BZh": ("compressed with bzip2", "name it FILE.bz2, or unpack it: bunzip2 FILE"),
    b"\xfd7zXZ": ("compressed with xz", "name it FILE.xz, or unpack it: unxz FILE"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "name it FILE.zst, or unpack it: unzstd FILE"),
    b"version https://git-lfs": ("a pointer of Git LFS to a file", "fetch the file itself: git lfs pull"),
    b"PAR1": ("a Parquet file", "rename it to .parquet"),
    b"ARROW1": ("an Arrow file", "rename it to .arrow"),
    b"%PDF": ("a PDF", "extract its text first"),
    b"SQLite format 3": ("an SQLite database", "rename it to .sqlite"),
    b"\x89PNG": ("a picture", "give a text file"),
    b"\xff\xd8\xff": ("a picture", "give a text file"),
    b"\x80\x04\x95": ("a pickle, which is never opened", "save the data as CSV, JSON Lines or Parquet"),
}

_FOREIGN = re.compile("[^\x00-\x7f]+")
_HAN = re.compile("[\u4e00-\u9fff\u3000-\u303f\uff00-\uffef“”‘’…—·]")
_CONTROL = bytes([*range(1, 7), *range(14, 27), *range(28, 32)])

_CHINESE = "gb18030"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Encoding(NamedTuple):
    """How a file's bytes become text: a codec name, and how many bytes of byte-order mark to skip."""

    codec: str
    mark_bytes: int


class EmptyFileError(DataError):
    """A file holds nothing; among the files of a folder it is left out, and said."""

    def __init__(self, path: Path) -> None:
        super().__init__("the file is empty", where=str(path), remedy="check how it was written, or leave it out")


class UndecodableError(ValueError):
    """Bytes that are not text in the file's encoding; what stands before them was yielded already."""

    def __init__(self, encoding: str, offset: int, byte: int, *, what: str = "") -> None:
        super().__init__(what or f"byte 0x{byte:02x} at offset {offset} is not {encoding.upper()}")


def encoding_of(path: Path) -> Encoding:
    """Detect a file's encoding.

    A file that begins in plain ASCII is read on until the first block that is not, since only that one can tell.
    Raises `DataError` for an empty or a binary file.
    """
    with opened(path) as stream:
        block = stream.read(BLOCK_BYTES)
        refuse_binary(block, path)
        for mark, codec in _MARKS:
            if block.startswith(mark):
                return Encoding(codec, len(mark))
        with contextlib.suppress(CutOffError):  # reading will say so after the last good row
            while block and block.isascii() and b"\0" not in block:
                block = stream.read(BLOCK_BYTES)
    return Encoding(_codec_of(block, path), 0) if block else Encoding("utf-8", 0)


def utf8_blocks(path: Path, encoding: Encoding) -> Iterator[bytes]:
    """Yield a file's content as UTF-8, in blocks that may end within a character.

    Raises `UndecodableError` after the last good block, and `CutOffError` where a compressed file breaks off.
    """
    decoder = codecs.getincrementaldecoder(encoding.codec)()
    offset = encoding.mark_bytes
    with opened(path) as stream:
        stream.read(offset)
        while True:
            block = stream.read(BLOCK_BYTES)
            held = len(decoder.getstate()[0])
            place = _utf8_place(block, is_start=offset == 0) if encoding.codec == _CHINESE else None
            try:
                text = decoder.decode(block[:place], final=not block)
            except UnicodeDecodeError as error:
                start = error.start - held  # the error counts from the bytes held back of the last block
                good = error.object[: error.start].decode(encoding.codec)
                yield block[: max(start, 0)] if encoding.codec == "utf-8" else good.encode()
                raise UndecodableError(encoding.codec, offset + start, error.object[error.start]) from None
            if not block:
                return
            yield block if encoding.codec == "utf-8" else text.encode()
            if place is not None:
                raise UndecodableError("", 0, 0, what="the row is UTF-8, and the rows before it are GB18030 (or GBK)")
            offset += len(block)


def _utf8_place(block: bytes, *, is_start: bool) -> int | None:
    """Return where the first row of UTF-8 begins among rows of GB18030."""
    lines, _ = utf8_lines(block, is_start=is_start, is_end=len(block) < BLOCK_BYTES)
    return offset_of(block, lines[0]) if lines else None


def refuse_binary(head: bytes, path: Path) -> None:
    """Raise `DataError` when the first bytes of a file are none of a text file."""
    if not head.strip(b" \t\r\n\xef\xbb\xbf"):
        raise EmptyFileError(path)
    for signature, (kind, remedy) in _SIGNATURES.items():
        if head.startswith(signature):
            raise DataError(f"the file is {kind}, not text", where=str(path), remedy=remedy)
    is_utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _utf16_of(head) is not None
    num_control = len(head) - len(head.translate(None, _CONTROL))
    nul = head.find(b"\0")
    if not is_utf16 and nul >= 0 and max(num_control, 2 * head.count(b"\0")) <= max(len(head) // 50, 2):
        line = head.count(b"\n", 0, nul) + 1
        raise DataError(
            "the row holds a NUL byte, which no text has",
            where=f"{path}, line {line}",
            remedy="correct that row, or take such bytes out of the file: tr -d '\\000' < FILE > NEW",
        )
    if not is_utf16 and (nul >= 0 or num_control > len(head) // 50):
        raise _binary(path)


def _codec_of(block: bytes, path: Path) -> str:
    if utf16 := _utf16_of(block):
        return utf16
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(block)
    except UnicodeDecodeError:
        lines, num_foreign = utf8_lines(block)
        if lines and 2 * len(lines) >= num_foreign:
            return "utf-8"  # here and below: reading on will say which row is another
        if _reads_as_chinese(without_lines(block, lines) if lines else block):
            return _CHINESE
        if _mostly_utf8(block):
            return "utf-8"  # broken somewhere: reading on will say in which row
        raise _unknown(block, path) from None
    return "utf-8"


def _utf16_of(block: bytes) -> str | None:
    """UTF-16 without its mark: decodes strictly, and line ends and commas show as characters of two bytes."""
    even = block[: len(block) - len(block) % 2][:65536]
    for codec, newline in (("utf-16-le", b"\n\0"), ("utf-16-be", b"\0\n")):
        high = even[1::2] if codec == "utf-16-le" else even[0::2]
        if newline not in even or high.count(0) < len(high) // 200:
            continue
        text = codecs.getincrementaldecoder(codec)(errors="replace").decode(even)
        num_strange = sum(not (character.isprintable() or character.isspace()) for character in text)
        if num_strange + text.count("\ufffd") <= len(text) // 100:
            return codec
    return None


def _reads_as_chinese(block: bytes) -> bool:
    """Strictly GB18030, nearly all that is not ASCII is Han or its punctuation, and most of it stands in runs.

    Western text in a one-byte encoding can decode too, but to single Han characters between letters.
    """
    try:
        text = codecs.getincrementaldecoder("gb18030")().decode(block)
    except UnicodeDecodeError as error:
        text = block[: error.start].decode("gb18030")  # broken later on: reading on will say in which row
        if error.start < len(block) // 2:
            return False
    runs = _FOREIGN.findall(text[:200_000])
    num_foreign = sum(len(run) for run in runs)
    in_runs = sum(len(run) for run in runs if len(run) > 1)
    num_han = len(_HAN.findall("".join(runs)))
    return num_foreign >= 4 and num_han >= 0.9 * num_foreign and in_runs >= 0.6 * num_foreign


def _mostly_utf8(block: bytes) -> bool:
    sample = block[:1_000_000].decode("utf-8", "replace")
    broken = sample.count("\ufffd")
    whole = sum(1 for character in sample if character > "\x7f") - broken
    return broken <= max(whole, 3)


def _binary(path: Path) -> DataError:
    return DataError(
        "the file is binary, not text",
        where=str(path),
        allowed="text in UTF-8, UTF-16 or GB18030",
        remedy="export the data as CSV or JSON Lines",
    )


def _unknown(block: bytes, path: Path) -> DataError:
    first = next(index for index, byte in enumerate(block) if byte > 0x7F)
    line = block.count(b"\n", 0, first) + 1
    return DataError(
        f"the encoding is not known: byte 0x{block[first]:02x}",
        where=f"{path}, line {line}",
        allowed="UTF-8, UTF-16 or GB18030",
        remedy=f"convert it, for example: iconv -f WINDOWS-1252 -t UTF-8 {path.name} > utf8-{path.name}",
    )


def undecodable(error: UndecodableError, where: str) -> DataError:
    """Say which row holds bytes that are no text."""
    return DataError(
        str(error),
        where=where,
        allowed="one encoding for the whole file",
        remedy="correct that row; or let each row be decoded with the first encoding that fits: "
        "{path: FILE, encodings: [utf-8, gb18030]}; or drop the broken bytes: iconv -c -f UTF-8 -t UTF-8 FILE > NEW",
    )


def too_long(
    where: str, remedy: str = "check that the file has line ends, and that this is the text that you mean"
) -> DataError:
    """Say which row is too long to be one."""
    return DataError(
        f"the row is longer than {MAX_ROW_BYTES >> 20} MB",
        where=where,
        allowed=f"rows of at most {MAX_ROW_BYTES >> 20} MB",
        remedy=remedy,
    )
