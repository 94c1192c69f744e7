"""What every reader must do, whatever its format."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from oreline import registry
from oreline.errors import DataError

TEXTS = ["a fine film", "一部好电影", "with, a comma", 'and a "quote"', "&amp; an entity"]


def write(name: str, folder: Path, texts: list[str]) -> Path:
    """Write texts in a reader's own format."""
    file = folder / f"rows{registry.get('reader', name).suffixes[0]}"
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    if name == "csv":
        frame.write_csv(file)
    elif name == "parquet":
        frame.write_parquet(file)
    elif name == "jsonl":
        file.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts), "utf-8")
    elif name == "text":
        file.write_text("".join(text + "\n" for text in texts), "utf-8")
    else:
        pytest.fail(f"write {name}'s format here")
    return file


@pytest.mark.parametrize("name", registry.names("reader"))
@pytest.mark.parametrize("rows", [1, 2, 1000])
def test_rows_come_in_order_whatever_the_size_of_frames(name: str, rows: int, tmp_path: Path):
    file = write(name, tmp_path, TEXTS)
    frames = list(registry.create("reader", name).frames(file, rows=rows))
    assert all(frame.height <= rows for frame in frames)
    assert pl.concat(frames)["text"].to_list() == TEXTS


@pytest.mark.parametrize("name", registry.names("reader"))
def test_an_empty_file_is_said_to_be_empty(name: str, tmp_path: Path):
    file = tmp_path / f"rows{registry.get('reader', name).suffixes[0]}"
    file.write_bytes(b"")
    with pytest.raises(DataError) as error:
        list(registry.create("reader", name).frames(file, rows=10))
    assert file.name in str(error.value)


@pytest.mark.parametrize("name", registry.names("reader"))
def test_many_rows(name: str, tmp_path: Path):
    texts = [f"row {number}" for number in range(5000)]
    file = write(name, tmp_path, texts)
    frames = list(registry.create("reader", name).frames(file, rows=1024))
    assert pl.concat(frames)["text"].to_list() == texts
