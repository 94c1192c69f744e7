"""Write Chinese in one script: simplified or traditional."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from oreline.data.texts.chinese import Conversion, converting
from oreline.data.texts.edits import COLUMNS, edited


class Operator:
    """Convert Chinese between simplified and traditional characters (OpenCC), phrases included.

    Lines that are in the wanted script already stay as they are, and so do Japanese texts (with kana); a text that
    mixes the scripts is converted line by line. The tables are inside the package opencc.

    The reason: the conversion's name.

    Args:
        conversion: OpenCC's name: from `t` (traditional), `tw` (Taiwan), `hk` (Hong Kong) or `s` (simplified) to
            another; `p` at the end also exchanges words (`軟體` for `软件`).
        columns: text columns that are converted, where the data has them.

    >>> frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["這部電影很好看", "皇后和余先生"]})
    >>> Operator().edit(frame)["text"].to_list()
    ['这部电影很好看', '皇后和余先生']
    """

    def __init__(self, *, conversion: Conversion = "t2s", columns: Sequence[str] = COLUMNS) -> None:
        self._columns = tuple(columns)
        self._changes = {str(conversion): converting(conversion)}

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the converted rows."""
        return edited(frame, self._columns, self._changes, rounds=4)
