"""Arrow files and streams."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pytest

from oreline.data.readers.arrow import Reader
from oreline.errors import DataError

TABLE = pa.table({"text": ["好", "b", None], "label": pa.array(["x", "y", "x"]).dictionary_encode(), "n": [1, 2, 3]})


def test_files_streams_and_feather(tmp_path: Path) -> None:
    with pa.ipc.new_file(tmp_path / "a.arrow", TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=2)
    with pa.ipc.new_stream(tmp_path / "b.arrows", TABLE.schema) as writer:
        writer.write_table(TABLE)
    pyarrow.feather.write_feather(TABLE, str(tmp_path / "c.feather"), compression="zstd")
    for file in sorted(tmp_path.iterdir()):
        frame = pl.concat(Reader().frames(file, rows=1))
        assert frame.to_dict(as_series=False) == {"text": ["好", "b", None], "label": ["x", "y", "x"], "n": [1, 2, 3]}
        assert frame.schema["label"] == pl.String


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "empty"), (b"text\na\n", "cannot be read as Arrow"), (b"FEA1" + bytes(50), "version 1")]
)
def test_what_is_no_arrow_file(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "a.arrow").write_bytes(content)
    with pytest.raises(DataError, match=says):
        list(Reader().frames(tmp_path / "a.arrow", rows=10))
