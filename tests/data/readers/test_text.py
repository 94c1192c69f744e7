"""The plain text reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from oreline.data.input import decoding
from oreline.data.readers.text import Reader
from oreline.errors import DataError


@pytest.mark.parametrize("end", ["", "\n"])
def test_every_line_is_a_row(tmp_path: Path, end: str) -> None:
    file = tmp_path / "data.txt"
    file.write_bytes(f'\ufefffirst, "quoted"\r\n\n第三行\u2028still{end}'.encode())
    frames = list(Reader().frames(file, rows=2))
    assert [frame["text"].to_list() for frame in frames] == [['first, "quoted"', ""], ["第三行\u2028still"]]


def test_lines_survive_small_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", 11)
    file = tmp_path / "data.txt"
    lines = [f"第 {number} 行 {'x' * (number % 30)}" for number in range(200)]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert [line for frame in Reader().frames(file, rows=50) for line in frame["text"]] == lines


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(DataError, match="binary"):
        list(Reader().frames(file, rows=10))
