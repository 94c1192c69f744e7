"""Compressed files: what stands before a break is kept, and a bomb is refused."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from oreline.data.input import compressed
from oreline.data.input.compressed import CutOffError, batches, opened
from oreline.errors import DataError

PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".zst": lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}
TEXT = "".join(f"{number:x} {zlib.crc32(b'%d' % number):x} 这部电影\n" for number in range(20_000)).encode()


def write(folder: Path, suffix: str, data: bytes) -> Path:
    file = folder / f"a.txt{suffix}"
    file.write_bytes(data)
    return file


def read(file: Path, size: int = 100_000) -> tuple[bytes, DataError | None]:
    parts = []
    with opened(file) as stream:
        while True:
            try:
                part = stream.read(size)
            except DataError as error:
                return b"".join(parts), error
            if not part:
                return b"".join(parts), None
            parts.append(part)


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("size", [1000, -1])
def test_all_bytes_come_back_of_one_member_and_of_several(tmp_path: Path, suffix: str, size: int) -> None:
    pack = PACK[suffix]
    for data in (pack(TEXT), pack(TEXT[:999]) + pack(b"") + pack(TEXT[999:]), pack(TEXT) + bytes(512)):
        assert read(write(tmp_path, suffix, data), size) == (TEXT, None)


@pytest.mark.parametrize("suffix", PACK)
def test_what_stands_before_a_break_is_kept(tmp_path: Path, suffix: str) -> None:
    packed = PACK[suffix](TEXT[:-100]) + PACK[suffix](TEXT[-100:])
    for end in (len(packed) - 1, len(packed) - 30, len(packed) // 2, 40):
        found, error = read(write(tmp_path, suffix, packed[:end]))
        assert isinstance(error, CutOffError)
        assert "its end is missing" in error.what
        assert TEXT.startswith(found)
    found, _ = read(write(tmp_path, suffix, packed[:-1]))
    assert len(found) >= len(TEXT) - 100


@pytest.mark.parametrize("suffix", PACK)
def test_damage_ends_the_file(tmp_path: Path, suffix: str) -> None:
    packed = bytearray(PACK[suffix](TEXT) + PACK[suffix](TEXT))
    packed[len(packed) * 3 // 4] ^= 0xFF
    found, error = read(write(tmp_path, suffix, bytes(packed)))
    assert isinstance(error, CutOffError)
    assert len(found) >= len(TEXT)
    assert found[: len(TEXT)] == TEXT
    found, error = read(write(tmp_path, suffix, PACK[suffix](TEXT) + b"garbage"))
    assert (found, type(error)) == (TEXT, CutOffError)


@pytest.mark.parametrize("suffix", PACK)
def test_a_bomb_is_refused_before_it_fills_anything(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed, "RATIO_FROM_BYTES", 4 << 20)
    file = write(tmp_path, suffix, PACK[suffix](bytes(12 << 20)))
    num_read = 0
    with opened(file) as stream, pytest.raises(DataError, match="decompression bomb") as caught:
        while part := stream.read(1 << 20):
            num_read += len(part)
    assert num_read <= 8 << 20
    assert not isinstance(caught.value, CutOffError), "nothing of it is kept"
    monkeypatch.setattr(compressed, "MAX_BYTES", 1000)
    assert "decompression bomb" in str(read(write(tmp_path, suffix, PACK[suffix](TEXT)))[1])


def test_one_step_of_zstandard_is_bounded() -> None:
    """Its library returns all that a piece of input makes: the pieces are small."""
    packed = zstandard.compress(bytes(100 << 20))
    out, _, _ = compressed._Zstandard().step(packed)
    assert len(out) <= 33 << 20


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize(("data", "says"), [(b"text,label\n", "is not compressed with"), (b"", "the file is empty")])
def test_what_is_not_compressed_as_its_name_says(tmp_path: Path, suffix: str, data: bytes, says: str) -> None:
    found, error = read(write(tmp_path, suffix, data))
    assert found == b""
    assert says in str(error)


def test_batches_give_what_came_before_a_break() -> None:
    def broken():
        yield from range(5)
        raise CutOffError("it breaks off")

    parts: list[list[int]] = []
    with pytest.raises(CutOffError):
        parts.extend(batches(broken(), 2))
    assert parts == [[0, 1], [2, 3], [4]]
    assert list(batches(iter(range(4)), 2)) == [[0, 1], [2, 3]]


def test_batches_end_where_they_are_long_enough() -> None:
    """No more than one item lies beyond the bound, so that long items come by few."""
    sizes = [9 << 20, 6 << 20, 2 << 20, 30 << 20, 1, 2, 3]
    assert list(batches(iter(sizes), 3, weigh=int)) == [sizes[:3], sizes[3:4], sizes[4:]]
