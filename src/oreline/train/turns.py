"""Whose turn it is where several tasks share the steps of one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TURNS = 0x7A5C
"""Sets the draws of the tasks apart from those of their rows."""


def shares_of(rows: Sequence[int], temperature: float) -> list[float]:
    """Return each task's share of the steps, in proportion to n^(1/τ).

    Source: Arivazhagan et al., Massively multilingual neural machine translation in the wild, 2019, section 4.2.

    >>> shares_of([900, 100], 1.0), shares_of([900, 100], 2.0)
    ([0.9, 0.1], [0.75, 0.25])
    """
    weights = [float(number) ** (1 / temperature) for number in rows]
    return [weight / sum(weights) for weight in weights]


def turns(rows: Sequence[int], num_steps: int, *, temperature: float, seed: int) -> NDArray[np.int64]:
    """Return which task each step is of: as many steps as its share for each, in random order.

    >>> np.bincount(turns([900, 100], 20, temperature=1.0, seed=0)).tolist()
    [18, 2]
    """
    ends = np.rint(np.cumsum(shares_of(rows, temperature)) * num_steps).astype(np.int64)
    counts = np.diff(ends, prepend=0)
    drawn = np.repeat(np.arange(len(rows)), counts)
    return np.random.default_rng([seed, _TURNS]).permutation(drawn)
