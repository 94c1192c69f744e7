"""Character n-grams that written answers share with the truth.

Shape suffixes: N rows, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows
from oreline.metrics.texts import Counts, character_counts, chrf

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """chrF2 of the corpus, from 0 to 100: shared n-grams of 1 to 6 characters; no words, so any language is measured.

    That of sacrebleu with its defaults. The counts of all rows are summed before the figure is formed, in each draw of
    the bootstrap too.

    Source: Popović, chrF: character n-gram F-score for automatic MT evaluation, WMT 2015.
    """

    higher_is_better: ClassVar[bool] = True
    view: ClassVar[str] = "texts"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `chrf`."""
        counts = character_counts(table.targets.tolist(), table.predicted.tolist())
        summed = Counts(*(weights_RN @ counts_NG for counts_NG in counts))
        return {"chrf": 100 * chrf(summed)}
