"""Text is counted as often as it stands in a row, and too much of it for a file is refused."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from oreline.data.input import text_bytes as module
from oreline.data.input.text_bytes import refuse_bomb, text_bytes
from oreline.errors import DataError


def test_each_repeat_of_a_text_counts() -> None:
    texts = pa.array(["好", "ab", None, "ab"])
    columns = {"plain": texts, "large": texts.cast(pa.large_string()), "words": texts.dictionary_encode()}
    (batch,) = pa.table({**columns, "number": [1, 2, 3, 4]}).to_batches()
    assert text_bytes(batch) == 3 * 7


def test_what_is_much_for_its_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.arrow"
    file.write_bytes(bytes(10))
    refuse_bomb(file, 0, module.RATIO_FROM_BYTES)
    monkeypatch.setattr(module, "RATIO_FROM_BYTES", 100)
    refuse_bomb(file, 0, 10 * module.MAX_RATIO)
    with pytest.raises(DataError, match="decompression bomb"):
        refuse_bomb(file, 3, 10 * module.MAX_RATIO + 1)
