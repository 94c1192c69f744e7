"""Chinese text of two encodings is never read as one of them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from oreline.data.input import decoding
from oreline.data.input.mixed_encodings import offset_of, utf8_lines
from oreline.data.sources import frames
from oreline.errors import DataError

COMMON = "的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天去能对小多然于心学么之都好看起发当没成只如事把还用第样道想作种开电影推荐"  # fmt: skip


def lines(count: int, length: int, seed: int = 0) -> list[str]:
    source = random.Random(seed)
    return ["".join(source.choices(COMMON, k=length)) for _ in range(count)]


@pytest.mark.parametrize("length", [2, 3, 4, 12])
def test_gb18030_is_not_taken_for_utf8(length: int) -> None:
    block = "\n".join(f"{line},{number}" for number, line in enumerate(lines(5000, length))).encode("gb18030")
    assert utf8_lines(block) == ([], 5000)


def test_cut_lines_at_the_ends_of_a_block_are_not_looked_at() -> None:
    block = "\n".join(lines(3, 8)).encode()
    assert utf8_lines(block)[0] == [0, 1, 2]
    assert utf8_lines(block, is_start=False, is_end=False)[0] == [1]
    assert block[offset_of(block, 1) :] == "\n".join(lines(3, 8)[1:]).encode()


@pytest.mark.parametrize(("most", "other"), [("utf-8", "gbk"), ("gbk", "utf-8")])
@pytest.mark.parametrize("suffix", ["csv", "txt", "jsonl"])
def test_a_file_of_both_names_the_first_row_of_the_other(tmp_path: Path, most: str, other: str, suffix: str) -> None:
    rows = [f'{{"text": "{line}"}}' if suffix == "jsonl" else line for line in ["text", *lines(40, 6)]]
    if suffix == "jsonl":
        rows[0] = rows[1]
    file = tmp_path / f"mixed.{suffix}"
    file.write_bytes(b"".join((row + "\n").encode(other if number == 20 else most) for number, row in enumerate(rows)))
    with pytest.raises(DataError) as caught:
        list(frames(file))
    assert "line 21" in caught.value.where
    assert "encodings: [utf-8, gb18030]" in caught.value.remedy
    read = [text for frame in frames({"path": str(file), "encodings": ["utf-8", "gb18030"]}) for text in frame["text"]]
    assert read[-1] == lines(40, 6)[-1]
    assert lines(40, 6)[19] in read


def test_utf8_far_behind_in_a_gbk_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", 1000)
    rows = [line.encode("gbk") for line in lines(400, 7)]
    rows[300] = lines(400, 7)[300].encode()
    (tmp_path / "a.txt").write_bytes(b"\n".join(rows))
    with pytest.raises(DataError, match="the row is UTF-8") as caught:
        list(frames(tmp_path / "a.txt"))
    assert caught.value.where.endswith("line 301")
