"""What belongs into one split beside equal texts and equal groups: near-duplicates, and texts of one template.

Shape suffixes: N rows, P places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from oreline.data.duplicates.equal import EqualRows
from oreline.data.duplicates.near import THRESHOLD, compared, sketch
from oreline.data.duplicates.near_rows import NearRows
from oreline.data.duplicates.union import Joined
from oreline.data.external.runs import counted
from oreline.data.external.sorting import Sorted, decoded
from oreline.data.fold import INPUT_ROLES, folded, joined
from oreline.errors import UsageError, did_you_mean

NEAR, TEMPLATE = "near", "template"
WAYS = (NEAR, TEMPLATE)
MAX_BYTES = 64 << 20
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
    """Works out, frame by frame, which rows belong together; `clusters` then says which do.

    Args:
        ways: how rows belong together, of `WAYS`.
        max_bytes: held in memory, about, and as much for each part of near-duplicates (`NearRows`); the rest lies on
            disk, but for a bit a row.
    """

    def __init__(self, ways: Sequence[str], *, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._near = NearRows(THRESHOLD, max_bytes=max_bytes) if NEAR in ways else None
        self._templates = EqualRows(1, max_bytes=max_bytes // 2) if TEMPLATE in ways else None
        self._num_rows = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Add the rows of a frame."""
        self._num_rows += frame.height
        inputs = [role for role in INPUT_ROLES if role in frame.columns]
        if self._near is not None:
            texts = compared(frame, inputs) if inputs else pl.Series([None] * frame.height, dtype=pl.String)
            self._near.add(sketch(texts, threshold=THRESHOLD))
        if self._templates is not None and inputs:
            self._templates.add(frame.select(template(inputs).hash()).to_series().to_numpy())

    def clusters(self, shares: Mapping[str, float]) -> tuple[Sorted, list[str]]:
        """Return which rows belong together in any way, and what could not be kept so.

        Each row that belongs together with another one is `coded(first row of its cluster, row)`.

        A cluster of more rows than half the smallest split holds would decide the splits alone: its rows are placed
        one by one.
        """
        joined = Joined(self._num_rows, max_bytes=self._max_bytes // 4)
        if self._near is not None:
            joined.connect(self._near.connected_rows())
        if self._templates is not None:
            joined.connect(self._templates.groups())
        most = max(min(shares.values()) / 2 * self._num_rows, _SMALL)
        clusters = joined.rows()
        torn = _larger(clusters, most)
        if not torn:
            return clusters, []
        alarm = (
            f"{sum(torn.values()):,} rows belong together in clusters ({max(torn.values()):,} in the largest) of more "
            "than half of the smallest split: they were placed one by one, so the splits share them"
        )
        stay = Sorted(max_bytes=self._max_bytes // 4)
        for block in clusters.blocks():
            stay.append(block[~np.isin(decoded(block)[0], list(torn))])
        return stay, [alarm]


def _larger(clusters: Sorted, most: float) -> dict[int, int]:
    """Return the first rows of the clusters of more rows than that, which are few, and how many each has."""
    found: dict[int, int] = {}
    for first_P, sizes_P in counted(decoded(block)[0] for block in clusters.blocks()):
        is_larger_P = sizes_P > most
        found.update(zip(first_P[is_larger_P].tolist(), sizes_P[is_larger_P].tolist()))
    return found


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
