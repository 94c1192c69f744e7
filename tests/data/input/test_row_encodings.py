"""Rows of several encodings in one file, and blocks that end with a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from oreline.data.input import decoding
from oreline.data.input.row_encodings import line_blocks, text_blocks
from oreline.errors import DataError, UsageError

CHINESE = "文本,标签\n这部电影很好看，推荐！,正面\n剧情太差，浪费时间。,负面\n" * 20
ROWS = ["这部电影很好看", "a café", "plain", "剧情太差，浪费时间", "un café"]
MIXED = b"\n".join(
    text.encode(codec) for text, codec in zip(ROWS, ["utf-8", "utf-8", "ascii", "gb18030", "cp1252"], strict=True)
)


@pytest.mark.parametrize("block_bytes", [5, 1 << 20])
def test_each_row_is_decoded_with_the_first_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", block_bytes)
    file = tmp_path / "a.txt"
    file.write_bytes(MIXED)
    found = b"".join(text_blocks(file, ["utf-8", "gb18030", "cp1252"])).decode().split("\n")
    assert found == ROWS


def test_without_the_option_the_row_is_named_and_the_option_offered(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(("好\n" * 50).encode() + "剧情太差".encode("gb18030") + b"\n")
    with pytest.raises(DataError, match="is not UTF-8") as caught:
        list(line_blocks(file))
    assert caught.value.where.endswith("line 51")
    assert "encodings: [utf-8, gb18030]" in caught.value.remedy


def test_a_row_that_is_text_in_none_of_them_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes("好\n".encode() * 3 + "差\n".encode("gb18030") + b"\xff\xff\n")
    blocks: list[bytes] = []
    with pytest.raises(DataError, match="byte 0xff at offset 15 is not UTF-8 OR GB18030") as caught:
        blocks.extend(line_blocks(file, ["utf-8", "gb18030"]))
    assert caught.value.where.endswith("line 5")
    assert b"".join(blocks).decode() == "好\n好\n好\n差\n"


@pytest.mark.parametrize("name", ["utf-16", "no-such", "rot13", "hex", ""])
def test_codecs_that_cannot_be_tried_a_line_at_a_time(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.txt").write_bytes(b"a\n")
    with pytest.raises(UsageError, match="the encoding"):
        list(text_blocks(tmp_path / "a.txt", ["utf-8", name]))


def test_line_blocks_never_cut_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", 100)
    file = tmp_path / "data.txt"
    file.write_text(CHINESE.rstrip("\n"), encoding="utf-8")
    blocks = list(line_blocks(file))
    assert len(blocks) > 5
    assert all(block.endswith(b"\n") for block in blocks)
    assert b"".join(blocks).decode() == CHINESE


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(decoding, "MAX_ROW_BYTES", 5000)
    file = tmp_path / "data.txt"
    file.write_bytes(b"first\n" + b"x" * 9000)
    with pytest.raises(DataError, match="longer than") as caught:
        list(line_blocks(file))
    assert caught.value.where == f"{file}, line 2"


def test_broken_bytes_name_their_line(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_bytes("好\n".encode() * 9_999 + b"\xff\n")
    with pytest.raises(DataError, match="byte 0xff") as caught:
        list(line_blocks(file))
    assert caught.value.where == f"{file}, line 10000"


def test_lines_that_end_as_on_old_macs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They were one line, whatever its length; a return within lines is text as before."""
    file = tmp_path / "a.txt"
    file.write_bytes(b"a\rb\r\rc")
    assert b"".join(line_blocks(file)) == b"a\nb\n\nc\n"
    file.write_bytes(b"a\rb\nc\r\n")
    assert b"".join(line_blocks(file)) == b"a\rb\nc\r\n"
    file.write_bytes(b"a\r")
    assert b"".join(line_blocks(file)) == b"a\r\n"
    monkeypatch.setattr("oreline.data.input.decoding.BLOCK_BYTES", 5)
    file.write_bytes(b"aa\rbb\rcc\rdd")
    assert b"".join(line_blocks(file)) == b"aa\nbb\ncc\ndd\n"
