"""Rows divided along time.

Shape suffixes: N rows, S splits, C cuts between them, P places.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.external.ranks import at_places, integers, num_before, rising
from oreline.data.external.sorting import Sorted
from oreline.data.external.spool import Spool

_NEVER = np.iinfo(np.int64).max
_LONGEST = 1 << 62
"""A gap that reaches from any time to before every other one."""


class Moments:
    """Takes the times of rows: the oldest go to the first split.

    Args:
        max_bytes: held in memory, about; the rest lies on disk.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._share = max_bytes // 3
        self._times = Spool(np.int64, max_bytes=self._share)
        self._in_order = Sorted(max_bytes=self._share)

    def add(self, times: pl.Series) -> None:
        """Add the times of a frame, dates or datetimes, of which none is null."""
        times_P = times.to_physical().cast(pl.Int64).to_numpy()
        self._times.append(times_P)
        self._in_order.append(rising(times_P))

    def places(self, shares_S: NDArray[np.float64], gap: int) -> Spool:
        """Return the split of each row; rows of one moment stay together, on the side of the older split.

        Args:
            shares_S: of each split, with the sum 1.
            gap: in the unit of the times: rows that lie less than this before the first row of a later split have the
                place -1.
        """
        count = len(self._times)
        cuts_C = np.rint(np.cumsum(shares_S)[:-1] * count).astype(np.int64)
        last_C = at_places(self._in_order.blocks(), cuts_C - 1)
        cuts_C = np.where(cuts_C > 0, num_before(self._in_order.blocks(), last_C, "right"), 0)
        next_C = integers(at_places(self._in_order.blocks(), cuts_C))
        bounds_S = np.append(np.where(cuts_C < count, next_C - min(gap, _LONGEST), _NEVER), _NEVER)
        places = Spool(np.int16, max_bytes=self._share)
        for times_P in self._times.blocks():
            places_P = (cuts_C == 0).sum() + np.searchsorted(last_C[cuts_C > 0], rising(times_P), side="left")
            places_P[times_P > bounds_S[places_P]] = -1
            places.append(places_P)
        return places
