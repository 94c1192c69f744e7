"""WARC records and HTTP answers, whole and broken."""

from __future__ import annotations

import gzip
import random
import zlib
from pathlib import Path

import pytest
from tests.data.written import http_answer, warc_record

from oreline.data.input import warc
from oreline.data.input.compressed import CutOffError
from oreline.data.input.warc import Answer, Skipped, answers, parsed_headers, unchunked, unpacked
from oreline.errors import DataError


def read(folder: Path, data: bytes) -> list[Answer | Skipped]:
    (folder / "a.warc").write_bytes(data)
    return list(answers(folder / "a.warc"))


def test_bodies_come_back_chunked_or_compressed(tmp_path: Path) -> None:
    chunked = b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"
    bodies = [
        http_answer(chunked, more="Transfer-Encoding: chunked\r\n"),
        http_answer(b"abcdefg", more="Transfer-Encoding: chunked\r\n"),
        http_answer(zlib.compress(b"abcdefg"), more="Content-Encoding: deflate\r\n"),
        http_answer(zlib.compress(b"abcdefg")[2:-4], more="Content-Encoding: deflate\r\n"),
        http_answer(b"abcdefg", more="Content-Encoding: gzip\r\n"),
    ]
    found = read(tmp_path, b"".join(warc_record("response", "https://a.org", body) for body in bodies))
    assert [record.body for record in found if isinstance(record, Answer)] == [b"abcdefg"] * 5
    assert unchunked(b"ffffffff\r\nabc") == b"abc"


def test_what_cannot_be_unpacked_is_skipped_and_bombs_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="compressed as 'br'"):
        unpacked(b"x", "br")
    with pytest.raises(ValueError, match="damaged"):
        unpacked(b"\x1f\x8bxxxx", "gzip")
    monkeypatch.setattr(warc, "MAX_RECORD_BYTES", 1000)
    with pytest.raises(ValueError, match="unpacks to more"):
        unpacked(gzip.compress(bytes(5000)), "gzip")
    found = read(tmp_path, warc_record("response", "https://a.org", http_answer(bytes(2000))))
    assert found == [Skipped("longer than 0 MB")]


def test_headers_may_go_on_in_the_next_line() -> None:
    assert parsed_headers([b"A: x", b"  y", b"nonsense", b"B:z"]) == {"a": "x y", "b": "z"}


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "empty"), (b"text,label\n", "is no WARC"), (b"x" * 100_000, "is no WARC"), (b"WARC/1.0\r\nA: b\r\n\r\n", "no length"), (b"WARC/1.0\r\nContent-Length: -5\r\n\r\n", "no length"), (warc_record("response", "u", b"x") + b"junk\r\n", "record 2 does not begin"), (b"WARC/1.0\r\n" + b"a: b\r\n" * 20_000, "no end")],
)  # fmt: skip
def test_what_is_no_archive(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read(tmp_path, data)


def test_damage_and_breaks_raise_our_errors_only(tmp_path: Path) -> None:
    whole = b"".join(warc_record("response", f"https://a.org/{n}", http_answer(b"abc" * 9)) for n in range(5))
    chance = random.Random(0)
    kinds = set()
    for _ in range(150):
        data = bytearray(whole[: chance.randrange(1, len(whole))])
        data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            assert len(read(tmp_path, bytes(data))) <= 5
        except DataError as error:
            kinds.add(type(error))
    assert kinds == {DataError, CutOffError}
