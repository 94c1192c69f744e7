"""Write full-width letters and digits in their usual width."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

import polars as pl

from oreline.data.fold import changed_where
from oreline.data.texts.edits import COLUMNS, Change, edited, on_matches

_FULL = range(0xFF01, 0xFF5F)
_SHIFT = 0xFEE0
"""From `Ａ` to `A`, for all of Unicode's full-width forms of ASCII."""
_MARKS = "\uff02-\uff07\uff0a\uff0b\uff0d-\uff0f\uff1c-\uff1e\uff20\uff3b-\uff40\uff5b-\uff5e"
"""Full-width marks that no Chinese sentence needs: without `！（），：；？`."""
_MARK_BETWEEN = re.compile(f"(?<=[0-9A-Za-z])[{_MARKS}](?=[0-9A-Za-z])|(?<=[0-9])：(?=[0-9])")
_HALF_KANA = re.compile("[\uff65-\uff9f]+")
_SIGNS = {0xFFE0: "¢", 0xFFE1: "£", 0xFFE3: "¯", 0xFFE5: "¥", 0xFFE6: "₩"}


class Operator:
    """Fold full-width letters and digits (`ＡＢＣ１２３`) to `ABC123`, and half-width kana to full width.

    Chinese punctuation stays Chinese: `，！？：（）` are full-width forms too, and correct in Chinese text.

    The reasons: `full_width`, `punctuation`, `kana`.

    Args:
        punctuation: `keep`; `between` folds a single mark between two ASCII letters or digits (`3．14`, `10：30`;
            commas stay), and `all` every full-width mark and currency sign, for data without Chinese.
        kana: write half-width Katakana in full width, sound marks joined.
        columns: text columns that are folded, where the data has them.

    >>> frame = pl.DataFrame({"row_id": ["a:1"], "text": ["ＮＢＡ第１节，３．５分！"]})
    >>> Operator().edit(frame)["text"][0], Operator(punctuation="between").edit(frame)["text"][0]
    ('NBA第1节，3．5分！', 'NBA第1节，3.5分！')
    """

    def __init__(
        self,
        *,
        punctuation: Literal["keep", "between", "all"] = "keep",
        kana: bool = True,
        columns: Sequence[str] = COLUMNS,
    ) -> None:
        self._columns = tuple(columns)
        self._changes: dict[str, Change] = {"full_width": _fold_alphanumeric}
        if punctuation != "keep":
            between = on_matches(f"[0-9A-Za-z][{_MARKS}：][0-9A-Za-z]", _fold_between)
            self._changes["punctuation"] = between if punctuation == "between" else _fold_marks
        if kana:
            self._changes["kana"] = on_matches("[\uff65-\uff9f]", _widen_kana)

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the folded rows."""
        return edited(frame, self._columns, self._changes)


def _fold_alphanumeric(text: pl.Series) -> pl.Series:
    pairs = {chr(code): chr(code - _SHIFT) for code in _FULL if chr(code - _SHIFT).isalnum()}
    return changed_where(text, text.str.contains("[０-９Ａ-Ｚａ-ｚ]"), lambda some: some.str.replace_many(pairs))


def _fold_marks(text: pl.Series) -> pl.Series:
    marks = {chr(code): chr(code - _SHIFT) for code in _FULL} | {chr(code): sign for code, sign in _SIGNS.items()}
    return changed_where(
        text, text.str.contains("[\uff01-\uff5e\uffe0-\uffe6]"), lambda some: some.str.replace_many(marks)
    )


def _fold_between(text: str) -> str:
    return _MARK_BETWEEN.sub(lambda mark: chr(ord(mark[0]) - _SHIFT), text)


def _widen_kana(text: str) -> str:
    return _HALF_KANA.sub(lambda kana: unicodedata.normalize("NFKC", kana[0]), text)
