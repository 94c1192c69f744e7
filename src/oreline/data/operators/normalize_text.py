"""Clean text without changing what it says."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Literal

import polars as pl

from oreline.data.fold import changed_where, is_foreign
from oreline.data.texts.edits import COLUMNS, Change, each, edited, replacing

_ENTITY = r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_OPEN_ENTITY = r"&(nbsp|quot|amp|lt|gt)([^A-Za-z0-9;=]|$)"
"""An entity that lost its end, as in `&nbsp 好`; `?a=1&lt=2` is an address."""
_BROKEN_ENTITY = r"(?:^|\s)(#(?:36|39|82[0-9]{2})|quot|amp|lt|gt|nbsp);"
"""An entity whose ampersand became a space on the way, as in `world #39;s` and `AT amp;T` (AG News has thousands)."""
_MARK = "\ufeff"
_CONTROL = r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]"
_ZERO_WIDTH = r"[\x{00ad}\x{180e}\x{200b}\x{2060}]"
_JOINER = r"[\x{200c}\x{200d}]"
_JOINED = "\u0600-\u0dff\u2600-\u27bf\ufe0f\U0001f000-\U0001faff"
"""Scripts from Arabic to Sinhala, and emoji: between two of these a joiner changes what is seen."""
_STRAY_JOINER = re.compile(f"(?<![{_JOINED}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINED}])")
_NOT_COMPOSED = (
    r"[\p{M}\x{0374}\x{037e}\x{0387}\x{0958}-\x{095f}\x{09dc}-\x{09df}\x{0a33}-\x{0a5e}\x{0b5c}-\x{0b5d}\x{0f43}-\x{0f69}"
    r"\x{1100}-\x{11ff}\x{1f71}-\x{1fff}\x{2000}\x{2001}\x{2126}\x{212a}\x{212b}\x{2329}\x{232a}\x{2adc}"
    r"\x{f900}-\x{faff}\x{fb1d}-\x{fb4e}\x{11090}-\x{114be}\x{1d15e}-\x{1d1c0}\x{2f800}-\x{2fa1f}]"
)
"""What composing (NFC) may change: marks that combine, characters that stand for another. Common Chinese has none."""
_LINE_END = r"\r\n|[\r\x0b\x0c\x{85}\x{2028}\x{2029}]"
_UNTIDY = r"[^\S \n]|  | \n|\n\s|^\s|\s$"


class Operator:
    """Remove invisible characters, decode HTML entities, compose Unicode, tidy white space.

    Invisible are control and zero-width characters and byte-order marks; joiners stay where a script or an emoji
    needs them. Line ends stay, other runs of white space become one space.

    Args:
        columns: text columns that are tidied, where the data has them.
        form: Unicode form; NFKC also folds full-width letters and ligatures.
        html_entities: decode `&amp;` and its like.

    The ledger gets a line only for a row that changed, and the reason names what changed: `html_entity`,
    `control_character`, `byte_order_mark`, `zero_width`, `unicode_form`, `white_space`.

    >>> frame = pl.DataFrame({"row_id": ["a:1"], "text": ["\\ufeffGood &amp; cheap \\u200b\\u3000"]})
    >>> Operator().edit(frame).row(0)
    ('a:1', 'Good & cheap', 'byte_order_mark, html_entity, zero_width, white_space')
    """

    def __init__(
        self,
        *,
        columns: Sequence[str] = COLUMNS,
        form: Literal["NFC", "NFKC"] = "NFC",
        html_entities: bool = True,
    ) -> None:
        self._columns = tuple(columns)
        self._changes: dict[str, Change] = {
            "byte_order_mark": lambda text: text.str.replace_all(_MARK, "", literal=True),
            **({"html_entity": _decode_entities} if html_entities else {}),
            "control_character": replacing(_CONTROL, ""),
            "zero_width": _remove_zero_width,
            "unicode_form": _compose if form == "NFC" else _fold_compatible,
            "white_space": _tidy,
        }

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the cleaned rows, with what changed in `change_reason`."""
        return edited(frame, self._columns, self._changes)


def _decode_entities(text: pl.Series) -> pl.Series:
    def decoded(value: str) -> str:
        value = re.sub(_BROKEN_ENTITY, r"&\1;", value)
        for _ in range(3):  # entities may be encoded twice: &amp;quot;
            before = value
            value = re.sub(_OPEN_ENTITY, r"&\1;\2", value)
            value = re.sub(_ENTITY, lambda match: html.unescape(match[0]), value)
            if value == before:
                break
        return value

    return changed_where(text, text.str.contains(f"{_ENTITY}|{_BROKEN_ENTITY}|{_OPEN_ENTITY}"), each(decoded))


def _remove_zero_width(text: pl.Series) -> pl.Series:
    text = text.str.replace_all(_ZERO_WIDTH, "")
    return changed_where(text, text.str.contains(_JOINER), each(lambda value: _STRAY_JOINER.sub("", value)))


def _fold_compatible(text: pl.Series) -> pl.Series:
    return changed_where(text, is_foreign(text), lambda some: some.str.normalize("NFKC"))


def _compose(text: pl.Series) -> pl.Series:
    return changed_where(text, text.str.contains(_NOT_COMPOSED), lambda some: some.str.normalize("NFC"))


def _tidy(text: pl.Series) -> pl.Series:
    def tidied(some: pl.Series) -> pl.Series:
        some = some.str.replace_all(_LINE_END, "\n").str.replace_all(r"[^\S\n]{2,}|[^\S \n]", " ")
        return some.str.replace_all(r" ?\n[ \n]*", "\n").str.strip_chars()

    return changed_where(text, text.str.contains(_UNTIDY), tidied)
