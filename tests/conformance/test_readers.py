"""What every reader keeps to. A new reader needs one entry in `WRITERS`, and a file that it reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from oreline import registry
from oreline.data.sources import frames, reader_of
from oreline.errors import DataError, UsageError

READERS = registry.names("reader")
WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "csv": lambda frame, file: frame.write_csv(file),
    "jsonl": lambda frame, file: frame.write_ndjson(file),
    "parquet": lambda frame, file: frame.write_parquet(file),
    "text": lambda frame, file: file.write_text("".join(f"{text}\n" for text in frame["text"]), encoding="utf-8"),
}


def write_squad(frame: pl.DataFrame, file: Path) -> None:
    asked = [{"question": text, "answers": []} for text in frame["text"]]
    file.write_text(json.dumps({"data": [{"paragraphs": [{"context": "", "qas": asked}]}]}), encoding="utf-8")


WRITERS["squad"] = write_squad
TEXTS = ["A fine film, really", '"quoted"', "这部电影很好看", "tab\tand ; and |", "&amp; \u200b"]


def test_there_is_a_writer_for_every_reader() -> None:
    assert set(READERS) == set(WRITERS)


def test_no_suffix_has_two_readers_that_know_no_file_by_its_beginning() -> None:
    plain = [registry.get("reader", name) for name in READERS if not hasattr(registry.get("reader", name), "knows")]
    suffixes = [suffix for reader in plain for suffix in reader.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in suffixes)


@pytest.mark.parametrize("name", READERS)
class TestReader:
    def file(self, name: str, folder: Path, rows: int) -> Path:
        file = folder / f"data{registry.get('reader', name).suffixes[0]}"
        texts = [f"{TEXTS[number % len(TEXTS)]} {number}" for number in range(rows)]
        WRITERS[name](pl.DataFrame({"text": texts, "label": ["x"] * rows}), file)
        return file

    def test_its_suffixes_lead_to_it(self, name: str, tmp_path: Path) -> None:
        file = self.file(name, tmp_path, 1)
        for suffix in registry.get("reader", name).suffixes:
            assert reader_of(file.rename(file.with_suffix(suffix))) == name
            file = file.with_suffix(suffix)

    @pytest.mark.parametrize("rows", [1, 20_000])
    def test_rows_come_in_order_in_bounded_frames(self, name: str, tmp_path: Path, rows: int) -> None:
        file = self.file(name, tmp_path, rows)
        parts = list(registry.create("reader", name).frames(file, rows=3000))
        assert all(0 < part.height <= 3000 for part in parts)
        texts = [text for part in parts for text in part["text"]]
        assert texts == [f"{TEXTS[number % len(TEXTS)]} {number}" for number in range(rows)]

    def test_it_reads_the_same_twice_and_leaves_the_file_alone(self, name: str, tmp_path: Path) -> None:
        file = self.file(name, tmp_path, 500)
        content = file.read_bytes()
        first, second = (pl.concat(registry.create("reader", name).frames(file, rows=100)) for _ in range(2))
        assert first.equals(second)
        assert file.read_bytes() == content

    def test_ids_do_not_depend_on_the_size_of_frames(self, name: str, tmp_path: Path) -> None:
        file = self.file(name, tmp_path, 500)
        assert pl.concat(frames(file, rows=7)).equals(pl.concat(frames(file, rows=8192)))

    @pytest.mark.parametrize("content", [b"", b"\x00\x01\x02\xff" * 500], ids=["empty", "binary"])
    def test_broken_files_are_named(self, name: str, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / f"broken{registry.get('reader', name).suffixes[0]}"
        file.write_bytes(content)
        with pytest.raises(DataError) as caught:
            list(registry.create("reader", name).frames(file, rows=10))
        assert str(file) in caught.value.where
        assert caught.value.remedy

    def test_unknown_options_are_refused(self, name: str) -> None:
        with pytest.raises(UsageError, match="has no option 'surprise'"):
            registry.create("reader", name, surprise=1)
