"""TFRecord files, read without TensorFlow."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.data.written import example, record

from oreline.data.input.compressed import CutOffError
from oreline.data.readers import tfrecord
from oreline.data.readers.tfrecord import Reader
from oreline.errors import DataError

ROWS = [
    {"text": ["很好看"], "label": [1], "scores": [0.5, 0.25], "picture": [b"\xff\xd8"]},
    {"text": ["dull"], "label": [-3], "scores": [], "picture": [b"\x00\xff"]},
]
DATA = [record(example(row)) for row in ROWS]


def write(folder: Path, data: bytes) -> Path:
    file = folder / "a.tfrecord"
    file.write_bytes(data)
    return file


def test_features_become_columns(tmp_path: Path) -> None:
    frame = pl.concat(Reader(leave_out=["picture"]).frames(write(tmp_path, b"".join(DATA)), rows=10))
    assert frame.to_dict(as_series=False) == {
        "text": ["很好看", "dull"],
        "label": [1, -3],
        "scores": ["[0.5, 0.25]", None],
    }


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'picture' holds bytes that are no text") as caught:
        list(Reader().frames(write(tmp_path, b"".join(DATA)), rows=10))
    assert caught.value.where.endswith("record 1")
    assert "leave_out: [picture]" in caught.value.remedy


@pytest.mark.parametrize(
    ("place", "says", "where"),
    [
        (2, "no TFRecord, or damaged", "record 1"),
        (40, "its checksum is another one", "record 1"),
        (-3, "its checksum is another one", "record 2"),
    ],
)
def test_checksums_are_compared(tmp_path: Path, place: int, says: str, where: str) -> None:
    data = bytearray(b"".join(DATA))
    data[place] ^= 1
    with pytest.raises(DataError, match=says) as caught:
        list(Reader(leave_out=["picture"]).frames(write(tmp_path, bytes(data)), rows=10))
    assert caught.value.where.endswith(where)


def test_records_before_a_break_are_kept(tmp_path: Path) -> None:
    for cut in (1, 7, 20, len(DATA[1]) - 1):
        parts: list[pl.DataFrame] = []
        with pytest.raises(CutOffError) as caught:
            parts.extend(Reader(leave_out=["picture"]).frames(write(tmp_path, b"".join(DATA)[:-cut]), rows=10))
        assert [part["text"].to_list() for part in parts] == [["很好看"]]
        assert caught.value.where.endswith("record 2")


def test_a_record_has_a_bound_and_must_be_an_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b"no example", b"\x12\x02\x0a\x00"):
        with pytest.raises(DataError, match=r"no tf\.train\.Example"):
            list(Reader().frames(write(tmp_path, record(data)), rows=10))
    monkeypatch.setattr(tfrecord, "MAX_ROW_BYTES", 50)
    with pytest.raises(DataError, match="longer than"):
        list(Reader().frames(write(tmp_path, record(bytes(60))), rows=10))
