"""What belongs into one split beside equal texts and equal groups: near-duplicates, and texts of one template.

Shape suffixes: N rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from oreline.data.duplicates.near import THRESHOLD, compared, sketch
from oreline.data.duplicates.near_rows import NearRows
from oreline.data.duplicates.tokens import I64
from oreline.data.duplicates.union import components
from oreline.data.external.sorting import decoded
from oreline.data.fold import INPUT_ROLES, folded, joined
from oreline.errors import UsageError, did_you_mean

NEAR, TEMPLATE = "near", "template"
WAYS = (NEAR, TEMPLATE)
_SMALL = 10
"""Rows of a cluster that are never too many."""
_MASKS = (
    (r"(?i)(?:https?://|www\.)[!-~]+", "\x02"),
    (r"\[[^\[\]\n]{1,80}\]|【[^【】\n]{1,80}】|《[^《》\n]{1,80}》|<[^<>\n]{1,80}>|\{[^{}\n]{1,80}\}", "\x03"),
    (r"[0-9]+(?:[.,:/-][0-9]+)*", "\x04"),
)
"""Links, names in brackets and numbers, after folding; what stands for each is no character of a text."""


def check_ways(ways: Sequence[str]) -> None:
    """Raise `UsageError` for a way of belonging together that there is not."""
    if unknown := [way for way in ways if way not in WAYS]:
        raise UsageError(f"rows cannot be kept together by {unknown[0]!r}", allowed=did_you_mean(unknown[0], WAYS))


class Together:
    """Works out, frame by frame, which rows belong together; `codes` then says which do."""

    def __init__(self, ways: Sequence[str]) -> None:
        self._near = NearRows(THRESHOLD) if NEAR in ways else None
        self._templates: list[pl.Series] | None = [] if TEMPLATE in ways else None

    def add(self, frame: pl.DataFrame) -> None:
        """Add the rows of a frame."""
        inputs = [role for role in INPUT_ROLES if role in frame.columns]
        texts = compared(frame, inputs) if inputs else pl.Series([None] * frame.height, dtype=pl.String)
        if self._near is not None:
            self._near.add(sketch(texts, threshold=THRESHOLD))
        if self._templates is not None:
            self._templates.append(frame.select(template(inputs).hash()).to_series() if inputs else texts)

    def codes(self, shares: Mapping[str, float]) -> tuple[pl.Series | None, list[str]]:
        """Return a code for each row, equal for rows that belong together in any way, and what could not be kept so.

        A cluster of more rows than half the smallest split holds would decide the splits alone: its rows are placed
        one by one. Without a way there are no codes.
        """
        found: list[I64] = []
        if self._near is not None:
            root_N = np.arange(self._near.num_rows)
            for block in self._near.connected_rows().blocks():
                first_P, row_P = decoded(block)
                root_N[row_P] = first_P
            found.append(root_N)
        if self._templates is not None:
            codes = pl.concat(self._templates) if self._templates else pl.Series([], dtype=pl.UInt64)
            found.append(codes.to_numpy().astype(np.int64))
        if not found:
            return None, []
        code_N = components(found)
        sizes = np.bincount(code_N, minlength=1)
        is_torn_N = sizes[code_N] > max(min(shares.values()) / 2 * len(code_N), _SMALL)
        alarms = []
        if num_torn := int(is_torn_N.sum()):
            alarms.append(
                f"{num_torn:,} rows belong together in clusters ({sizes.max():,} in the largest) of more than half of "
                "the smallest split: they were placed one by one, so the splits share them"
            )
        return pl.Series(np.where(is_torn_N, len(sizes) + np.arange(len(code_N)), code_N)), alarms


def template(columns: Sequence[str]) -> pl.Expr:
    """Return the texts of rows with numbers, names in brackets and links masked, folded.

    >>> frame = pl.DataFrame({"text": ["Room 12 of [Anna], see https://a.b/1", "room 7 of [Li], see www.c.d"]})
    >>> frame.select(template(["text"])).to_series().n_unique()
    1
    """
    text = joined(columns).map_batches(_fold, pl.String)
    for pattern, mark in _MASKS:
        text = text.str.replace_all(pattern, mark)
    return text


def _fold(texts: pl.Series) -> pl.Series:
    return texts.to_frame("text").select(folded("text")).to_series()


def gap_us(gap: str | None) -> int:
    """Return a gap in microseconds: `12h`, `7d`, `2w`. Raises `UsageError` for anything else.

    >>> gap_us("2d")
    172800000000
    """
    if gap is None:
        return 0
    units = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
    number, unit = gap[:-1], gap[-1:]
    if unit not in units or not number.isdecimal():
        raise UsageError(f"the gap is {gap!r}", allowed="whole minutes, hours, days or weeks: 30m, 12h, 7d, 2w")
    return int(number) * units[unit] * 1_000_000
