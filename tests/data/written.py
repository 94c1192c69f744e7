"""Writers of files that the readers read, as small as the formats allow; no library that Oreline does not have."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import polars as pl
import pyarrow as pa

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_OFFICE = "http://schemas.openxmlformats.org"
_TYPES = f'''{_XML}<Types xmlns="{_OFFICE}/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/xl/workbook.xml"
 ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'''
_RELS = f'''{_XML}<Relationships xmlns="{_OFFICE}/package/2006/relationships"><Relationship Id="r1"
 Type="{_OFFICE}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>'''
_STYLES = f'''{_XML}<styleSheet xmlns="{_OFFICE}/spreadsheetml/2006/main"><fonts count="1"><font/></fonts>
<fills count="1"><fill/></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>
<cellXfs count="2"><xf/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>'''


class Date(float):
    """A day as Excel counts it."""


class Formula(str):
    """A formula with the value that was last computed, `=1+1|2`."""


def xlsx(file: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """Write a workbook."""
    names = list(sheets)
    listed = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="s{n}"/>' for n, name in enumerate(names, 1))
    relation = f"{_OFFICE}/officeDocument/2006/relationships"
    targets = "".join(
        f'<Relationship Id="s{n}" Type="{relation}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(names) + 1)
    )
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _RELS)
        archive.writestr(
            "xl/workbook.xml",
            f'{_XML}<workbook xmlns="{_OFFICE}/spreadsheetml/2006/main" xmlns:r="{relation}"><sheets>{listed}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'{_XML}<Relationships xmlns="{_OFFICE}/package/2006/relationships">{targets}'
            f'<Relationship Id="st" Type="{relation}/styles" Target="styles.xml"/></Relationships>',
        )
        archive.writestr("xl/styles.xml", _STYLES)
        for number, name in enumerate(names, 1):
            rows = "".join(_xlsx_row(n, row) for n, row in enumerate(sheets[name], 1))
            sheet = (
                f'{_XML}<worksheet xmlns="{_OFFICE}/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>'
            )
            archive.writestr(f"xl/worksheets/sheet{number}.xml", sheet)


def _xlsx_row(number: int, row: Sequence[Any]) -> str:
    cells = "".join(_xlsx_cell(f"{chr(65 + column)}{number}", value) for column, value in enumerate(row))
    return f'<row r="{number}">{cells}</row>'


def _xlsx_cell(place: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Formula):
        asked, _, result = value.partition("|")
        return f'<c r="{place}"><f>{asked[1:]}</f><v>{result}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, Date):
        return f'<c r="{place}" s="1"><v>{float(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    if value.startswith("#"):
        return f'<c r="{place}" t="e"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def ods(file: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write an OpenDocument sheet of texts."""
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
            for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    space = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'{_XML}<office:document-content xmlns:office="{space}:office:1.0" xmlns:table="{space}:table:1.0" '
        f'xmlns:text="{space}:text:1.0"><office:body><office:spreadsheet><table:table table:name="Sheet1">{cells}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            f'{_XML}<manifest:manifest xmlns:manifest="{space}:manifest:1.0"><manifest:file-entry '
            'manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>'
            "</manifest:manifest>",
        )


def write_workbook(frame: pl.DataFrame, file: Path) -> None:
    """Write a frame as the only sheet of a workbook."""
    xlsx(file, {"Sheet1": [frame.columns, *frame.rows()]})


def checksum(data: bytes) -> int:
    """Return the masked CRC-32C of TFRecord, a bit at a time."""
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    state ^= 0xFFFFFFFF
    return ((state >> 15 | state << 17) + 0xA282EAD8) & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """Return a record of a TFRecord file."""
    head = struct.pack("<Q", len(data))
    return head + struct.pack("<I", checksum(head)) + data + struct.pack("<I", checksum(data))


def example(features: Mapping[str, Sequence[Any]]) -> bytes:
    """Return the bytes of a `tf.train.Example`."""
    entries = b""
    for name, values in features.items():
        if values and isinstance(values[0], float):
            kind, inner = 2, _field(1, struct.pack(f"<{len(values)}f", *values))
        elif values and isinstance(values[0], int):
            kind, inner = 3, _field(1, b"".join(varint(value & (1 << 64) - 1) for value in values))
        else:
            kind, inner = 1, b"".join(_field(1, v if isinstance(v, bytes) else v.encode()) for v in values)
        entries += _field(1, _field(1, name.encode()) + _field(2, _field(kind, inner)))
    return _field(1, entries)


def _field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    """Return a number as protocol buffers write it."""
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def write_tfrecord(frame: pl.DataFrame, file: Path) -> None:
    """Write a frame of texts as examples."""
    rows = [example({name: [value] for name, value in row.items()}) for row in frame.iter_rows(named=True)]
    file.write_bytes(b"".join(map(record, rows)))


def page(text: str, title: str = "A page", head: str = '<meta charset="utf-8">') -> str:
    """Return an HTML page with a main text among menus."""
    parts = "".join(f"<p>{escape(part)}</p>" for part in text.split("\n"))
    return (
        f"<!doctype html><html><head>{head}<title>{escape(title)}</title></head><body><nav><a href='/'>Home</a>"
        f"<a href='/about'>About us</a></nav><article><h1>{escape(title)}</h1>{parts}</article>"
        "<footer>Copyright, all rights reserved</footer></body></html>"
    )


LONG = "This is the main text of the page, and it is long enough to be one: a paragraph of some words. " * 3


def write_page(frame: pl.DataFrame, file: Path) -> None:
    """Write a page with the texts of a frame."""
    file.write_text(page("\n".join([LONG, *frame["text"]])), encoding="utf-8")


def letter(text: str, number: int = 1, answers: int | None = None, sender: str = "Ann <ann@example.org>") -> bytes:
    """Return an e-mail message."""
    told = f"In-Reply-To: <m{answers}@example.org>\r\nReferences: <m{answers}@example.org>\r\n" if answers else ""
    return (
        f"From: {sender}\r\nTo: Bo <bo@example.org>\r\nSubject: =?utf-8?b?5L2g5aW9?= {number}\r\n"
        f"Date: Mon, 05 Jan 2026 10:{number % 60:02d}:00 +0100\r\nMessage-ID: <m{number}@example.org>\r\n{told}"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    ).encode()


def mbox(letters: Sequence[bytes]) -> bytes:
    """Return a mailbox."""
    return b"".join(
        b"From ann@example.org Mon Jan  5 10:00:00 2026\n" + text.replace(b"\r\n", b"\n") + b"\n" for text in letters
    )


def write_mailbox(frame: pl.DataFrame, file: Path) -> None:
    """Write the texts of a frame as messages."""
    file.write_bytes(mbox([letter(text, number) for number, text in enumerate(frame["text"], 1)]))


def write_chat(frame: pl.DataFrame, file: Path) -> None:
    """Write the texts of a frame as a chat of two."""
    lines = [
        f"2026-01-05 10:{n % 60:02d}:00 {'Ann' if n % 2 == 0 else 'Bo'}\n{text}\n"
        for n, text in enumerate(frame["text"])
    ]
    file.write_text("\n".join(lines), encoding="utf-8")


def warc_record(kind: str, url: str, block: bytes) -> bytes:
    """Return a record of a web archive."""
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-01-05T10:00:00Z\r\n"
    return f"{head}Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"


def http_answer(body: bytes, kind: str = "text/html; charset=utf-8", status: int = 200, more: str = "") -> bytes:
    """Return an HTTP answer."""
    return f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\n{more}\r\n".encode() + body


def write_archive(frame: pl.DataFrame, file: Path) -> None:
    """Write a page for each text of a frame."""
    pages = [page(f"{LONG}\n{text}", text).encode() for text in frame["text"]]
    records = [warc_record("response", f"https://example.org/{n}", http_answer(text)) for n, text in enumerate(pages)]
    file.write_bytes(warc_record("warcinfo", "", b"software: none\r\n") + b"".join(records))


def broken_text(num_rows: int, at: int) -> pa.Array:
    """Return a column of texts of Arrow's, one of which is not UTF-8."""
    cells = [b"\xff\xfe broken \xc3" if place == at else f"row {place}".encode() for place in range(num_rows)]
    return pa.Array.from_buffers(pa.string(), num_rows, pa.array(cells, pa.binary()).buffers())
