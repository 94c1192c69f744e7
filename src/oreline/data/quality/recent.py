"""One pass over the characters of a frame for all quality operators of a process.

Operators follow one another on the same frame, less the rows that were dropped between them. What the first one asks
for is measured together with what the others will ask for, and kept until another frame comes. The numbers are those
that each would measure alone; only time is saved.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.quality.languages import LANGUAGE, row_languages
from oreline.data.quality.statistics import measured

LANGUAGE_OF_ROW = "_language"
"""Column that says which rules a row is judged by."""


class _Last:
    """What was measured last: the hashes of texts and languages, sorted, with their places, and the statistics."""

    wanted: ClassVar[weakref.WeakKeyDictionary[Any, frozenset[str]]] = weakref.WeakKeyDictionary()
    hashes: NDArray[np.uint64] = np.zeros(0, np.uint64)
    places: NDArray[np.int64] = np.zeros(0, np.int64)
    values: pl.DataFrame = pl.DataFrame()


def announce(operator: Any, statistics: Collection[str]) -> None:
    """Say what an operator will ask for while it lives."""
    _Last.wanted[operator] = frozenset(statistics)


def of_frame(frame: pl.DataFrame, column: str, statistics: Collection[str]) -> pl.DataFrame:
    """Return what `statistics.measured` returns of a frame's texts, and the column `LANGUAGE_OF_ROW`."""
    hashes = frame[column].hash(1)
    if LANGUAGE in frame.columns:
        hashes = hashes ^ frame[LANGUAGE].hash(2)
    keys = hashes.to_numpy()
    place = np.searchsorted(_Last.hashes, keys)
    is_known = place < len(_Last.hashes)
    is_known[is_known] = _Last.hashes[place[is_known]] == keys[is_known]
    asked = [*statistics, LANGUAGE_OF_ROW]
    if is_known.all() and set(asked) <= set(_Last.values.columns):
        return _Last.values.select(asked)[_Last.places[place]]
    together = sorted(frozenset(statistics).union(*_Last.wanted.values()))
    languages = row_languages(frame, column)
    _Last.values = measured(frame[column], languages, together).with_columns(languages.alias(LANGUAGE_OF_ROW))
    _Last.places = np.argsort(keys)
    _Last.hashes = keys[_Last.places]
    return _Last.values.select(asked)
