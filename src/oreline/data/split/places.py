"""Divide rows into splits: stratified by label, or along time; what belongs together stays together.

Shape suffixes: N rows, S splits, P places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.duplicates.equal import EqualRows
from oreline.data.duplicates.union import Joined
from oreline.data.external.sorting import U64, Sorted, coded, decoded
from oreline.data.external.spool import Spool
from oreline.data.split.classes import Classes, Strata, one_class
from oreline.data.split.filling import Filling, drawn
from oreline.data.split.moments import Moments
from oreline.data.split.units import Units
from oreline.errors import UsageError

MAX_BYTES = 256 << 20
_SHARES = 32
"""Texts have 12 and components 8, for these are looked up at random; what is sorted is as fast on disk."""

Places = NDArray[np.int64]
"""For each row, the index of its split in the order of the shares."""


def check_shares(shares: Mapping[str, float]) -> None:
    """Raise `UsageError` for shares that are not positive, do not add up to 1, or bear names that cannot be folders."""
    for name, share in shares.items():
        if not re.fullmatch(r"[\w-]+", name):
            raise UsageError(f"a split cannot be called {name!r}", allowed="letters, digits, _ and -")
        if not 0 < share <= 1:
            raise UsageError(f"the share of {name!r} is {share}", allowed="above 0, at most 1")
    if shares and abs(sum(shares.values()) - 1) > 1e-6:
        raise UsageError(f"the shares add up to {sum(shares.values()):g}", allowed="shares that add up to 1")


def places(
    keys: pl.DataFrame, shares: Mapping[str, float], *, seed: int = 0, gap_us: int = 0, together: Sorted | None = None
) -> Places:
    """Return the split of every row of one frame, shape (N,): see `Placing`."""
    placing = Placing()
    placing.add(keys)
    found: Places = placing.places(shares, seed=seed, gap_us=gap_us, together=together).array().astype(np.int64)
    return found


class Placing:
    """Takes the keys of rows, frame by frame, and says once which split each row goes to.

    Memory: up to `max_bytes` and a bit a row; the rest lies on disk. Beside that 8 bytes for each row that belongs
    together with no other, up to 128 MB (`shuffling.BUCKET`), and what different labels take (`classes.MOST_LABELS`).
    """

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self._share = max_bytes // _SHARES
        self._texts = EqualRows(1, max_bytes=12 * self._share)
        self._groups: EqualRows | None = None
        self._strata: Strata | None = None
        self._moments: Moments | None = None
        self.num_rows = 0

    @property
    def is_by_time(self) -> bool:
        """Whether rows are divided along time."""
        return self._moments is not None

    def add(self, keys: pl.DataFrame) -> None:
        """Add rows.

        Args:
            keys: `hash_high` of the folded text of each, and where there are such roles `label` (never null), `group`
                (a null is a group of its own) and `time` (a datetime). With `time`, nothing else counts.
        """
        if not self.num_rows:
            self._begin(keys.columns)
        self.num_rows += keys.height
        if self._moments is not None:
            self._moments.add(keys["time"])
            return
        self._texts.add(keys["hash_high"].cast(pl.UInt64).to_numpy())
        if self._groups is not None:
            self._groups.add(keys["group"].hash().to_numpy(), is_alone_N=keys["group"].is_null().to_numpy())
        if self._strata is not None:
            self._strata.add(keys["label"])

    def places(
        self, shares: Mapping[str, float], *, seed: int = 0, gap_us: int = 0, together: Sorted | None = None
    ) -> Spool:
        """Return the split of every row, in order, as an index into `shares`.

        Args:
            shares: share of each split. With `time` the oldest rows go to the first.
            seed: the same rows, shares and seed give the same splits, however the rows were framed.
            gap_us: with `time`, rows of a split that lie less than this (microseconds) before the next one have the
                place -1.
            together: rows that belong together beside those of equal text or group, `coded(row, other row)`.
        """
        shares_S = np.array(list(shares.values()), dtype=np.float64)
        shares_S /= shares_S.sum()
        if self._moments is not None:
            return self._moments.places(shares_S, gap_us)
        joined = Joined(self.num_rows, max_bytes=8 * self._share)
        joined.connect(self._texts.groups())
        if self._groups is not None:
            joined.connect(self._groups.groups())
            self._groups = None
        if together is not None:
            joined.connect(together)
        if self._strata is not None:
            classes = self._strata.classes(len(shares_S))
        else:
            classes = one_class(self.num_rows, max_bytes=self._share)
        return self._stratified(joined, classes, shares_S, np.random.default_rng(seed))

    def _begin(self, columns: list[str]) -> None:
        if "time" in columns:
            self._moments = Moments(max_bytes=_SHARES * self._share)
            return
        self._groups = EqualRows(1, max_bytes=2 * self._share) if "group" in columns else None
        self._strata = Strata(max_bytes=4 * self._share) if "label" in columns else None

    def _stratified(
        self, joined: Joined, classes: Classes, shares_S: NDArray[np.float64], random: np.random.Generator
    ) -> Spool:
        """Place units of several rows greedily, the largest first; then fill up every class with the single rows."""
        filling = Filling(shares_S, classes.rows_K)
        units = Units(joined.rows(), self._texts, random, max_bytes=6 * self._share)
        place_of_unit = Spool(np.int16, max_bytes=self._share)
        singles_K = classes.rows_K.copy()
        for some in units.classes(classes):
            place_of_unit.append(np.array([filling.add(classes_C, counts_C) for classes_C, counts_C in some]))
            for classes_C, counts_C in some:
                singles_K[classes_C] -= counts_C
        found = Sorted(max_bytes=self._share)
        for order_P, rows_P in units.rows():
            found.append(coded(rows_P, place_of_unit.at(order_P)))
        quota_SK = filling.quotas(singles_K, random)
        for rows_P, place_P in drawn(_singles(joined, classes), singles_K, quota_SK, random, max_bytes=self._share):
            found.append(coded(rows_P, place_P))
        places = Spool(np.int16, max_bytes=self._share)
        for block in found.blocks():
            places.append(decoded(block)[1])
        return places


def _singles(joined: Joined, classes: Classes) -> Iterator[U64]:
    """Yield the rows that belong together with no other, as `coded(class, row)`."""
    begin = 0
    for classes_P in classes.blocks():
        rows_P = np.arange(begin, begin + len(classes_P))
        begin += len(classes_P)
        is_single_P = ~joined.are_joined(rows_P)
        yield coded(classes_P, rows_P)[is_single_P]
