"""Text is counted as often as it stands in a row; too long a row, and too much text for a file, are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from oreline.data.input import decoding
from oreline.data.input import row_sizes as module
from oreline.data.input.row_sizes import checked, cut, joined, refuse_bomb, refuse_long, row_bytes
from oreline.errors import DataError

TEXTS = pa.array(["好", "ab", None, "ab"])
COLUMNS = {
    "plain": (TEXTS, [3, 2, 0, 2]),
    "large": (TEXTS.cast(pa.large_string()), [3, 2, 0, 2]),
    "view": (TEXTS.cast(pa.string_view()), [3, 2, 0, 2]),
    "words": (TEXTS.dictionary_encode(), [3, 2, 0, 2]),
    "bytes": (TEXTS.cast(pa.binary()), [3, 2, 0, 2]),
    "list": (pa.array([["a", "bb"], [], None, ["ccc"]]), [3, 0, 0, 3]),
    "lists": (pa.array([[["a"], ["bb", None]], [], None, [["ccc"], None]]), [3, 0, 0, 3]),
    "words in lists": (
        pa.ListArray.from_arrays(pa.array([0, 2, 2, 3, 4], pa.int32()), TEXTS.dictionary_encode()),
        [5, 0, 0, 2],
    ),
    "struct": (pa.array([{"a": "xx", "b": ["y"]}, None, {"a": None, "b": None}, {"a": "z", "b": []}]), [3, 0, 0, 1]),
    "map": (pa.array([[("k", "v")], [], None, [("kk", "")]], pa.map_(pa.string(), pa.string())), [2, 0, 0, 2]),
    "numbers in lists": (pa.array([[1, 2], [], None, [3]], pa.list_(pa.int32())), [8, 0, 0, 4]),
    "numbers": (pa.array([1, 2, None, 4]), [0, 0, 0, 0]),
    "nothing": (pa.nulls(4), [0, 0, 0, 0]),
}


@pytest.mark.parametrize("name", list(COLUMNS))
def test_each_repeat_of_a_text_counts_wherever_it_stands(name: str) -> None:
    column, expected = COLUMNS[name]
    (batch,) = pa.table({"a": column, "b": column}).to_batches()
    assert row_bytes(batch).tolist() == [1 + 2 * size for size in expected]
    assert row_bytes(batch.slice(1, 3)).tolist() == [1 + 2 * size for size in expected[1:]]


def test_what_is_much_for_its_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.arrow"
    file.write_bytes(bytes(10))
    refuse_bomb(file, 0, module.RATIO_FROM_BYTES)
    monkeypatch.setattr(module, "RATIO_FROM_BYTES", 100)
    refuse_bomb(file, 0, 10 * module.MAX_RATIO)
    with pytest.raises(DataError, match="decompression bomb"):
        refuse_bomb(file, 3, 10 * module.MAX_RATIO + 1)


def test_a_row_that_is_too_long_is_named() -> None:
    most = decoding.MAX_ROW_BYTES
    refuse_long(np.asarray([1, most]), "a", 0)
    with pytest.raises(DataError, match="longer than 16 MB") as caught:
        refuse_long(np.asarray([1, most + 1, most + 2]), "a.parquet", 10)
    assert caught.value.where == "a.parquet, row 12"


@pytest.mark.parametrize("form", ["text", "words", "list"])
def test_frames_of_any_reader_are_checked(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(decoding, "MAX_ROW_BYTES", 1000)

    def made(*texts: str) -> pl.DataFrame:
        text = pl.col("text")
        kept = {"text": text, "words": text.cast(pl.Categorical), "list": pl.concat_list(text)}[form]
        return pl.DataFrame({"text": texts}).select(kept)

    good = made(*["a" * 400] * 4)
    assert list(checked(iter([good, good]), "a"))[1] is good
    bad = made("a", "b" * 2000)
    parts = checked(iter([good, bad]), "rows")
    assert next(parts) is good
    with pytest.raises(DataError, match="longer than") as caught:
        next(parts)
    assert caught.value.where == "rows, row 6"


def test_batches_are_cut_by_what_they_stand_for_and_joined_when_they_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD_BYTES", 10)
    (batch,) = pa.table({"a": ["aaa", "bbb", "c" * 20, "d", "e", "f"]}).to_batches()
    parts = [part["a"].to_pylist() for part in cut(batch, row_bytes(batch), 2)]
    assert parts == [["aaa", "bbb"], ["c" * 20], ["d", "e"], ["f"]]
    monkeypatch.setattr(module, "HELD_BYTES", 1 << 20)
    whole = [part["a"].to_pylist() for part in joined((batch.slice(at, 1) for at in range(6)), 4)]
    assert whole == [["aaa", "bbb", "c" * 20, "d"], ["e", "f"]]
    assert [part.num_rows for part in joined(iter([batch, batch]), 6)] == [6, 6]
