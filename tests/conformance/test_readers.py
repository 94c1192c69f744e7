"""What every reader keeps to. A new reader needs one entry in `WRITERS` or `DOCUMENTS`, and a file that it reads."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import json
import lzma
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import zstandard
from tests.data.written import write_archive, write_chat, write_mailbox, write_page, write_tfrecord, write_workbook

from oreline import registry
from oreline.data.input import compressed
from oreline.data.input.compressed import CutOffError
from oreline.data.input.described import _PART_KEYS, _READING_KEYS
from oreline.data.sources import frames, reader_of
from oreline.dialogue import messages_of
from oreline.errors import DataError, OrelineError, ResourceError, UsageError

READERS = registry.names("reader")
WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "arrow": lambda frame, file: frame.write_ipc(file),
    "csv": lambda frame, file: frame.write_csv(file),
    "excel": write_workbook,
    "jsonl": lambda frame, file: frame.write_ndjson(file),
    "parquet": lambda frame, file: frame.write_parquet(file),
    "sql": lambda frame, file: write_sqlite(frame, file),
    "squad": lambda frame, file: write_squad(frame, file),
    "text": lambda frame, file: file.write_text("".join(f"{text}\n" for text in frame["text"]), encoding="utf-8"),
    "tfrecord": write_tfrecord,
}
"""Of the readers of tables: what is written comes back."""
DOCUMENTS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "chat_export": write_chat,
    "html": write_page,
    "mail": write_mailbox,
    "warc": write_archive,
}
"""Of the readers of documents: they take a text out of what surrounds it."""
PLACES = [name for name in READERS if not registry.get("reader", name).suffixes]
"""They read no single file: tests/data/readers has each."""


def write_sqlite(frame: pl.DataFrame, file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE reviews (text TEXT, label TEXT)")
        connection.executemany("INSERT INTO reviews VALUES (?, ?)", frame.rows())


def write_squad(frame: pl.DataFrame, file: Path) -> None:
    asked = [{"question": text, "answers": []} for text in frame["text"]]
    file.write_text(json.dumps({"data": [{"paragraphs": [{"context": "", "qas": asked}]}]}), encoding="utf-8")


def said(frame: pl.DataFrame) -> list[str]:
    """Return the texts of rows or, of dialogues, what their messages say."""
    if "text" in frame.columns:
        return frame["text"].to_list()
    return [message.content for cell in frame["messages"] for message in messages_of(cell)]


PACKINGS = [".gz", ".zst", ".bz2", ".xz"]


def pack(file: Path, packing: str) -> Path:
    data = file.read_bytes()
    packed = file.with_name(file.name + packing)
    make = {".gz": gzip.compress, ".zst": zstandard.compress, ".bz2": bz2.compress, ".xz": lzma.compress}[packing]
    half = len(data) // 2
    packed.write_bytes(make(data[:half]) + make(data[half:]))  # two members: what broke off is in the second
    return packed


TEXTS = ["A fine film, really", '"quoted"', "这部电影很好看", "tab\tand ; and |", "&amp; \u200b"]


def test_there_is_a_writer_for_every_reader() -> None:
    assert set(READERS) == {*WRITERS, *DOCUMENTS, *PLACES}


def test_no_suffix_has_two_readers_that_know_no_file_by_its_beginning() -> None:
    plain = [registry.get("reader", name) for name in READERS if not hasattr(registry.get("reader", name), "knows")]
    suffixes = [suffix for reader in plain for suffix in reader.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in suffixes)


def test_no_option_of_a_reader_is_a_key_of_every_described_source() -> None:
    for name in READERS:
        options = {option.name for option in registry.options_of(registry.get("reader", name))}
        assert not options & {"path", "catalog", "reader", *_PART_KEYS, *_READING_KEYS}, name


@pytest.mark.parametrize("name", sorted(WRITERS))
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

    @pytest.mark.parametrize("rows", [1, 700])
    def test_rows_come_in_order_in_bounded_frames(self, name: str, tmp_path: Path, rows: int) -> None:
        file = self.file(name, tmp_path, rows)
        parts = list(registry.create("reader", name).frames(file, rows=300))
        assert all(0 < part.height <= 300 for part in parts)
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

    @pytest.mark.parametrize("packing", PACKINGS)
    def test_a_compressed_file_gives_the_same_rows_or_is_refused(self, name: str, tmp_path: Path, packing: str) -> None:
        file = self.file(name, tmp_path, 300)
        packed = pack(file, packing)
        if not getattr(registry.get("reader", name), "unpacks", False):
            with pytest.raises(UsageError, match="reads no compressed files"):
                reader_of(packed)
            return
        assert reader_of(packed) == name
        whole = pl.concat(frames(file)).drop("row_id")
        assert pl.concat(frames(packed)).drop("row_id").equals(whole)
        packed.write_bytes(packed.read_bytes()[: -len(packed.read_bytes()) // 4])
        notes: list[str] = []
        kept = pl.concat(frames(packed, rows=50, note=notes.append), how="diagonal_relaxed").drop("row_id")
        assert 0 < kept.height < 300
        assert kept.equals(whole.head(kept.height))
        assert ["breaks off" in note for note in notes] == [True]


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_compressed_document_gives_the_same_rows_and_says_that_it_breaks_off(
    name: str, tmp_path: Path, packing: str
) -> None:
    file = tmp_path / f"data{registry.get('reader', name).suffixes[0]}"
    DOCUMENTS[name](pl.DataFrame({"text": [f"{TEXTS[number % len(TEXTS)]} {number}" for number in range(300)]}), file)
    packed = pack(file, packing)
    texts = said(pl.concat(frames(file)))
    assert reader_of(packed) == name
    assert said(pl.concat(frames(packed))) == texts
    packed.write_bytes(packed.read_bytes()[: -len(packed.read_bytes()) // 4])
    notes: list[str] = []
    kept = said(pl.concat(frames(packed, note=notes.append)))
    *whole, last = kept
    assert whole == texts[: len(whole)]
    assert texts[len(whole)].startswith(last.rstrip("\ufffd"))
    assert 0 < len("".join(kept)) < len("".join(texts))
    assert ["breaks off" in note for note in notes] == [True]
    with pytest.raises(CutOffError, match="breaks off"):
        list(frames(packed))


@pytest.mark.parametrize("name", ["mail", "squad", "warc"])
def test_frames_of_long_texts_have_fewer_rows(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that put rows together one by one; or a frame of 8,192 texts of a megabyte would take eight gigabytes."""
    monkeypatch.setattr(compressed, "_BATCH_CHARACTERS", 2000)
    file = tmp_path / f"data{registry.get('reader', name).suffixes[0]}"
    texts = [f"{number} {'a fine film, really. ' * 50}" for number in range(9)]
    (WRITERS | DOCUMENTS)[name](pl.DataFrame({"text": texts, "label": "x"}), file)
    heights = [part.height for part in registry.create("reader", name).frames(file, rows=8192)]
    assert sum(heights) == len(texts)
    assert max(heights) <= 2


@pytest.mark.parametrize("name", sorted(WRITERS | DOCUMENTS))
class TestBadInput:
    def file(self, name: str, folder: Path, rows: int) -> Path:
        file = folder / f"data{registry.get('reader', name).suffixes[0]}"
        frame = pl.DataFrame({"text": [f"{TEXTS[number % len(TEXTS)]} {number}" for number in range(rows)]})
        (WRITERS | DOCUMENTS)[name](frame.with_columns(label=pl.lit("x")), file)
        return file

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

    def test_damaged_files_raise_nothing_but_our_errors(self, name: str, tmp_path: Path) -> None:
        """Cut at random places, and with random bytes changed: rows or an error that says where."""
        whole = self.file(name, tmp_path, 12).read_bytes()
        chance = random.Random(name)
        suffix = registry.get("reader", name).suffixes[0]
        for number in range(20):
            data = bytearray(whole)
            if number % 2:
                data = data[: chance.randrange(len(data))]
            for _ in range(chance.randrange(1, 6) if data else 0):
                data[chance.randrange(len(data))] = chance.choice([0, 0xFF, 0x22, chance.randrange(256)])
            file = tmp_path / f"damaged{number}{suffix}"
            file.write_bytes(data)
            num_rows, fault = _tried(name, file)
            assert num_rows < 10_000
            assert fault is None or file.name in str(fault)


def _tried(name: str, file: Path) -> tuple[int, OrelineError | None]:
    num_rows = 0
    try:
        for frame in registry.create("reader", name).frames(file, rows=5):
            num_rows += frame.height
    except (DataError, ResourceError, UsageError) as error:
        return num_rows, error
    return num_rows, None
