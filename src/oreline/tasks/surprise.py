"""How improbable a model finds the truth: what dev rows are told apart by where figures stand still.

Shape suffixes: N rows, W words of one row, K outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TINY = 1e-30
"""What is less probable counts as this."""


def nats(probable: NDArray[np.floating]) -> float:
    """Return the mean of minus the logarithms of probabilities, of any shape; 0 for none.

    >>> round(nats(np.array([1.0, 0.25])), 4), round(float(np.log(4) / 2), 4), nats(np.empty(0))
    (0.6931, 0.6931, 0.0)
    """
    if not probable.size:
        return 0.0
    return float(-np.log(np.maximum(probable.astype(np.float64), _TINY)).mean())


def of_words(targets: NDArray[Any], scores: NDArray[Any]) -> float:
    """Return the mean over the words of N rows of how improbable each one's tag is, in nats.

    Args:
        targets: arrays of tag indices (W,); words whose tag is none of the K are left out.
        scores: arrays of probabilities (W, K).
    """
    found = [np.empty(0)]
    for tags_W, scores_WK in zip(targets, scores, strict=True):
        [known] = np.nonzero(tags_W < scores_WK.shape[1])
        found.append(scores_WK[known, tags_W[known]])
    return nats(np.concatenate(found))
