"""Clean text without changing what it says."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from typing import Literal

import polars as pl

from oreline.data.fold import changed_where, is_foreign
from oreline.data.ledger import CHANGE_REASON

_ENTITY = r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_BROKEN_ENTITY = r"(?:^|\s)(#(?:36|39|82[0-9]{2})|quot|amp|lt|gt|nbsp);"
"""An entity whose ampersand became a space on the way, as in `world #39;s` and `AT amp;T` (AG News has thousands)."""
_MARK = "\ufeff"
_CONTROL = r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]"
_ZERO_WIDTH = r"[\x{00ad}\x{180e}\x{200b}\x{2060}]"
_JOINER = r"[\x{200c}\x{200d}]"
_JOINED = "\u0600-\u0dff\u2600-\u27bf\ufe0f\U0001f000-\U0001faff"
"""Scripts from Arabic to Sinhala, and emoji: between two of these a joiner changes what is seen."""
_STRAY_JOINER = re.compile(f"(?<![{_JOINED}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINED}])")
_UNTIDY = r"[^\S \n]|  | \n|\n\s|^\s|\s$"

_Change = Callable[[pl.Series], pl.Series]


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
        columns: Sequence[str] = ("text", "text_pair", "target_text"),
        form: Literal["NFC", "NFKC"] = "NFC",
        html_entities: bool = True,
    ) -> None:
        self._columns = tuple(columns)
        self._changes: dict[str, _Change] = {
            "byte_order_mark": lambda text: text.str.replace_all(_MARK, "", literal=True),
            **({"html_entity": _decode_entities} if html_entities else {}),
            "control_character": _remover(_CONTROL),
            "zero_width": _remove_zero_width,
            "unicode_form": lambda text: changed_where(text, is_foreign(text), lambda some: some.str.normalize(form)),
            "white_space": _tidy,
        }

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the cleaned rows, with what changed in `change_reason`."""
        reasons = {name: pl.Series(name, [False]).new_from_index(0, frame.height) for name in self._changes}
        for column in self._columns:
            if column in frame.columns:
                text = frame[column]
                for name, change in self._changes.items():
                    changed = change(text)
                    reasons[name] = reasons[name] | text.ne_missing(changed)
                    text = changed
                frame = frame.with_columns(text.alias(column))
        flags = pl.DataFrame(list(reasons.values()))
        named = [pl.when(pl.col(name)).then(pl.lit(name)) for name in flags.columns]
        joined = flags.select(pl.concat_str(named, separator=", ", ignore_nulls=True).alias(CHANGE_REASON)).to_series()
        return frame.with_columns(joined.replace("", None))


def _remover(pattern: str) -> _Change:
    return lambda text: text.str.replace_all(pattern, "")


def _decode_entities(text: pl.Series) -> pl.Series:
    def decoded(value: str) -> str:
        value = re.sub(_BROKEN_ENTITY, r"&\1;", value)
        for _ in range(3):  # entities may be encoded twice: &amp;quot;
            value, before = re.sub(_ENTITY, lambda match: html.unescape(match[0]), value), value
            if value == before:
                break
        return value

    return changed_where(text, text.str.contains(f"{_ENTITY}|{_BROKEN_ENTITY}"), _each(decoded))


def _remove_zero_width(text: pl.Series) -> pl.Series:
    text = text.str.replace_all(_ZERO_WIDTH, "")
    return changed_where(text, text.str.contains(_JOINER), _each(lambda value: _STRAY_JOINER.sub("", value)))


def _tidy(text: pl.Series) -> pl.Series:
    def tidied(value: str) -> str:
        lines = (" ".join(line.split()) for line in value.splitlines())
        return "\n".join(line for line in lines if line)

    return changed_where(text, text.str.contains(_UNTIDY), _each(tidied))


def _each(change: Callable[[str], str]) -> _Change:
    """Apply a Python function to every text of a column: for the few that Rust's patterns have picked out."""
    return lambda text: pl.Series([change(value) for value in text.to_list()], dtype=pl.String)
