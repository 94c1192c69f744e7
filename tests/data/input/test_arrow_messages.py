"""What batches unpack to is known before they are unpacked."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.ipc
import pytest

from oreline.data.input.arrow_messages import unpacked_bytes

TABLE = pa.table(
    {"a": ["x" * 1000] * 1000, "d": pa.array(["p" * 99, "q"] * 500).dictionary_encode(), "l": [["a"]] * 1000}
)


def written(form: str, packing: str | None) -> io.BytesIO:
    stream = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=packing)
    with (pa.ipc.new_file if form == "file" else pa.ipc.new_stream)(stream, TABLE.schema, options=options) as writer:
        writer.write_table(TABLE, max_chunksize=300)
    return stream


@pytest.mark.parametrize("form", ["file", "stream"])
def test_packed_or_not_the_length_is_the_same(form: str) -> None:
    sizes = {
        packing: unpacked_bytes(written(form, packing), is_file=form == "file") for packing in (None, "lz4", "zstd")
    }
    assert len(set(sizes.values())) == 1
    held = sum(batch.nbytes for batch in TABLE.to_batches(max_chunksize=300))
    assert sizes["zstd"] == pytest.approx(held, rel=0.02)
    assert len(written(form, "zstd").getvalue()) < 20_000


def test_a_stream_that_breaks_off_is_counted_to_its_break() -> None:
    whole = written("stream", "zstd")
    part = io.BytesIO(whole.getvalue()[:-3000])
    assert 0 < unpacked_bytes(part, is_file=False) < unpacked_bytes(whole, is_file=False)
    assert unpacked_bytes(io.BytesIO(b""), is_file=False) == 0


@pytest.mark.parametrize("size", [1 << 60, -7])
def test_a_length_that_cannot_be_is_refused(size: int) -> None:
    data = bytearray(written("stream", "zstd").getvalue())
    place = data.index(b"\x28\xb5\x2f\xfd") - 8  # Zstandard's own mark follows the length
    data[place : place + 8] = size.to_bytes(8, "little", signed=True)
    with pytest.raises(ValueError, match="said to unpack to"):
        unpacked_bytes(io.BytesIO(data), is_file=False)


def test_a_file_without_its_end() -> None:
    with pytest.raises(ValueError, match="damaged"):
        unpacked_bytes(io.BytesIO(written("file", None).getvalue()[:-100]), is_file=True)
