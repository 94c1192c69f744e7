"""Add a column with the words of each text."""

from __future__ import annotations

import re

import polars as pl

from oreline.data.texts.edits import as_read, each
from oreline.data.texts.segmenter import segmenter
from oreline.errors import UsageError
from oreline.words import as_cell

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_WORD = re.compile(r"\w+(?:['’.\-]\w+)*|[^\w\s]+")
"""Letters and digits, joined by an apostrophe, a point or a hyphen between two of them; or a run of marks."""


class Operator:
    """Add the words of each row's text as a column, a JSON list, as other columns of words have it.

    Texts with Chinese are cut by jieba, its own dictionary read afresh (nothing is written anywhere), the rest at white
    space and punctuation. White space is in no word; marks of punctuation are words of their own. The text stays.

    Args:
        column: name of the new column.
        punctuation: keep words without a letter or digit.

    >>> frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["我喜欢自然语言处理", "Don't buy it, really."]})
    >>> Operator().edit(frame)["words"].to_list()
    ['["我", "喜欢", "自然语言", "处理"]', '["Don\\'t", "buy", "it", ",", "really", "."]']
    """

    def __init__(self, *, column: str = "words", punctuation: bool = True) -> None:
        if not column or column in ("row_id", "text", "label", "tags", "tokens"):
            raise UsageError(f"segment_words: the column {column!r}", allowed="a name that is no role's")
        self._column, self._punctuation = column, punctuation

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with the new column."""
        if "text" not in frame.columns:
            return frame
        return frame.with_columns(each(self._words)(as_read(frame["text"])).alias(self._column))

    def _words(self, text: str) -> str:
        found = segmenter().cut(text) if _HAN.search(text) else _WORD.findall(text)
        words = [word for word in found if not word.isspace()]
        if not self._punctuation:
            words = [word for word in words if any(map(str.isalnum, word))]
        return as_cell(words)
