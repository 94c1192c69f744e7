"""Find texts in which a short part is repeated at once, many texts in one step. Shape suffix: C characters."""

from __future__ import annotations

import numpy as np
import polars as pl


def has_repeats(texts: pl.Series, *, max_unit: int, num: int) -> pl.Series:
    """Return which texts have a part of up to `max_unit` characters that stands there `num` times in a row.

    White space counts as any other character. False for null.

    >>> has_repeats(pl.Series(["hahahaha", "haha", "!!!!", None]), max_unit=2, num=4).to_list()
    [True, False, True, False]
    """
    filled = texts.fill_null("")
    codes_C = np.frombuffer("".join(filled.to_list()).encode("utf-32-le", "surrogatepass"), np.uint32)
    ends_N = np.cumsum(filled.str.len_chars().to_numpy().astype(np.int64))
    found = np.zeros(len(filled), np.bool_)
    for unit in range(1, max_unit + 1):
        length = unit * num
        if len(codes_C) < length:
            break
        # unit * (num - 1) characters in a row that equal the one `unit` places later.
        same_C = codes_C[unit:] == codes_C[:-unit]
        starts = _run_starts(same_C, unit * (num - 1))
        rows = np.searchsorted(ends_N, starts, side="right")
        found[rows[starts + length <= ends_N[rows]]] = True
    return pl.Series(texts.name, found)


def _run_starts(same_C: np.ndarray, length: int) -> np.ndarray:
    """Return where `length` true values in a row begin."""
    differs = np.flatnonzero(~same_C)
    edges = np.concatenate([[-1], differs, [len(same_C)]])
    gaps = np.diff(edges) - 1  # true values between two false ones
    long = np.flatnonzero(gaps >= length)
    if not len(long):
        return np.zeros(0, np.int64)
    return np.concatenate([np.arange(edges[at] + 1, edges[at + 1] - length + 1) for at in long])
