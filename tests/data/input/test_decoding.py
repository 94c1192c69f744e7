"""Encodings: every one that is promised is read, and nothing else is guessed."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from oreline.data.input import decoding
from oreline.data.input.decoding import UndecodableError, encoding_of, utf8_blocks
from oreline.errors import DataError

CHINESE = "文本,标签\n这部电影很好看，推荐！,正面\n剧情太差，浪费时间。,负面\n" * 20
ENGLISH = "text,label\na fine film,fresh\nit’s dull – a café,rotten\n" * 20


def read(file: Path) -> str:
    return b"".join(utf8_blocks(file, encoding_of(file))).decode()


@pytest.mark.parametrize("text", [CHINESE, ENGLISH], ids=["zh", "en"])
@pytest.mark.parametrize(
    ("mark", "codec"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_encodings_are_detected(tmp_path: Path, text: str, mark: bytes, codec: str) -> None:
    file = tmp_path / "data.csv"
    file.write_bytes(mark + text.encode(codec))
    assert encoding_of(file) == (codec, len(mark))
    assert read(file) == text


@pytest.mark.parametrize("codec", ["gb18030", "gbk", "gb2312"])
def test_chinese_legacy_encodings_are_read_as_gb18030(tmp_path: Path, codec: str) -> None:
    file = tmp_path / "data.csv"
    file.write_bytes(CHINESE.encode(codec))
    assert encoding_of(file).codec == "gb18030"
    assert read(file) == CHINESE


def test_a_long_ascii_beginning_does_not_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", 64)
    file = tmp_path / "data.csv"
    file.write_bytes(b"text,label\n" * 50 + CHINESE.encode("gb18030"))
    assert encoding_of(file).codec == "gb18030"
    assert read(file).endswith(CHINESE)


def test_characters_that_straddle_blocks_survive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", 7)
    for codec in ("utf-8", "gb18030", "utf-16-le"):
        file = tmp_path / codec
        file.write_bytes(CHINESE.encode(codec))
        blocks = utf8_blocks(file, decoding.Encoding(codec, 0))
        assert b"".join(blocks).decode() == CHINESE


@pytest.mark.parametrize("block_bytes", [5, 64, 1 << 20])
@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_all_before_a_broken_byte_is_yielded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int, codec: str
) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", block_bytes)
    good = CHINESE.encode(codec)
    file = tmp_path / "data.csv"
    file.write_bytes(good + b"\xff" + good)
    blocks: list[bytes] = []
    with pytest.raises(UndecodableError, match=f"byte 0xff at offset {len(good)} is not {codec.upper()}"):
        blocks.extend(utf8_blocks(file, decoding.Encoding(codec, 0)))
    assert b"".join(blocks).decode() == CHINESE


@pytest.mark.parametrize(
    ("content", "says", "do"),
    [
        (b"", "empty", "leave it out"),
        (b"\xef\xbb\xbf \n\n", "empty", "leave it out"),
        (b"PK\x03\x04" + bytes(100), "Excel workbook", "save the sheet as CSV"),
        (b"\x1f\x8b\x08" + bytes(100), "gzip", "gunzip"),
        (b"PAR1" + bytes(100), "Parquet", "rename"),
        (b"\x80\x04\x95" + bytes(100), "pickle, which is never opened", "save the data as CSV"),
        (b"\x7fELF" + bytes(range(256)) * 4, "binary", "export"),
        (bytes(range(1, 256)) * 10, "binary", "export"),
        ("une journée très agréable, une soirée gâchée\n".encode("latin-1") * 5, "not known: byte 0xe9", "iconv"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, says: str, do: str) -> None:
    file = tmp_path / "data.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        read(file)
    assert str(file) in caught.value.where
    assert do in caught.value.remedy


def test_a_nul_byte_in_a_text_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"text,label\n" + b"a good film,good\n" * 20 + b"a \x00 film,bad\n")
    with pytest.raises(DataError, match="NUL byte") as caught:
        encoding_of(file)
    assert (caught.value.where, "tr -d" in caught.value.remedy) == (f"{file}, line 22", True)
    file.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n")
    with pytest.raises(DataError, match="a pointer of Git LFS"):
        encoding_of(file)


def test_an_unknown_encoding_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_bytes(b"one\ntwo\n" + "gâchée très\n".encode("latin-1") * 9)
    with pytest.raises(DataError) as caught:
        encoding_of(file)
    assert caught.value.where == f"{file}, line 3"
