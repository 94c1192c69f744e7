"""Mend texts that were decoded with the wrong encoding."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from oreline.data.texts.edits import COLUMNS, edited
from oreline.data.texts.mojibake import gbk_as_latin, utf8_as_gbk, utf8_as_latin


class Operator:
    """Mend mojibake: `fiancÃ©`, `ä½ å¥½`, `ÄãºÃ` and `浣犲ソ` become `fiancé`, `你好`, `你好` and `你好`.

    UTF-8 that was read as a code page of one byte is mended by ftfy (its encoding step alone: quotes, width and
    punctuation stay), GBK read as Latin-1 and UTF-8 read as GBK by strict decoding back. A repair that would lose a
    Chinese character is not made; texts in which nothing looks like damage are not looked at twice.

    The reasons: `utf8_as_latin`, `gbk_as_latin`, `utf8_as_gbk`.

    Args:
        columns: text columns that are mended, where the data has them.

    >>> frame = pl.DataFrame({"row_id": ["a:1", "a:2", "a:3"], "text": ["cafÃ©", "ÄãºÃ£¬ÊÀ½ç", "“你好”，café"]})
    >>> Operator().edit(frame)["text"].to_list()
    ['café', '你好，世界', '“你好”，café']
    """

    def __init__(self, *, columns: Sequence[str] = COLUMNS) -> None:
        self._columns = tuple(columns)

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the mended rows."""
        changes = {"gbk_as_latin": gbk_as_latin, "utf8_as_latin": utf8_as_latin, "utf8_as_gbk": utf8_as_gbk}
        return edited(frame, self._columns, changes, rounds=6)
