"""How alike a variant and its original are.

Shape suffixes: N pairs, E sets.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.duplicates.shingles import SHORT, shingle_sets, similarities
from oreline.data.duplicates.tokens import tokens


def likeness(first: pl.Series, second: pl.Series) -> NDArray[np.float64]:
    """Return the Jaccard index of the pairs of neighbouring words (Chinese: characters) of each two texts, (N,).

    Case, width, white space and punctuation do not count, and texts that differ in nothing else are alike by 1.

    >>> likeness(pl.Series(["a fine film", "好看的电影"]), pl.Series(["A fine film!", "好听的电影"])).tolist()
    [1.0, 0.3333333333333333]
    """
    sets = [shingle_sets(tokens(texts), near=1.0, size=SHORT) for texts in (first, second)]
    place_N = [np.full(len(first), -1, np.int64) for _ in sets]
    for places, found in zip(place_N, sets):
        places[found.text_E] = np.arange(len(found.text_E))
    both_N = (place_N[0] >= 0) & (place_N[1] >= 0)
    alike_N = (place_N[0] == place_N[1]) & ~both_N & (place_N[0] < 0)  # neither has a word
    likeness_N: NDArray[np.float64] = alike_N.astype(np.float64)
    likeness_N[both_N] = similarities(sets[0], place_N[0][both_N], sets[1], place_N[1][both_N])
    return likeness_N
