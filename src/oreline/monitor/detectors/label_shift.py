"""Does the model give its labels in other shares than it did?

The statistic is G = 2 Σ n log(n / expected) over the table of side and label; its null distribution is drawn exactly,
as tables with the same margins (multivariate hypergeometric), so that rare labels do no harm. The effect is the
total variation distance ½ Σ |p_k - q_k|: the share of rows that would have to change their label.

Shape suffixes: K labels, P permutations, R bootstrap resamples.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from oreline.monitor.two_sample import permutation_p_value
from oreline.types import Drift, Estimate, Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RESAMPLES = 1000


class Detector:
    """Test whether predicted labels come in other shares than in the reference (exact G-test).

    Args:
        alpha: chance of a false alarm of this test alone.
        min_distance: the smallest total variation distance that counts as drift, between 0 and 1.
        num_permutations: tables that make the null distribution.
    """

    def __init__(self, *, alpha: float = 0.05, min_distance: float = 0.1, num_permutations: int = 1999) -> None:
        self.alpha, self.min_distance, self.num_permutations = alpha, min_distance, num_permutations

    def detect(self, reference: Sample, live: Sample, *, seed: int = 0) -> Drift:
        """Compare the predicted labels of two samples."""
        source = np.random.default_rng(seed)
        labels = sorted({*reference.labels, *live.labels})
        reference_K, live_K = _counts(reference.labels, labels), _counts(live.labels, labels)
        total_K = reference_K + live_K
        permuted_PK = source.multivariate_hypergeometric(total_K, int(live_K.sum()), size=self.num_permutations)
        p_value = permutation_p_value(float(g_statistic(live_K, total_K)), g_statistic(permuted_PK, total_K))
        effect = _distance_estimate(reference_K, live_K, source)
        shares = {"reference": reference_K / reference_K.sum(), "live": live_K / live_K.sum()}
        more_K = np.log((live_K + 0.5) / live_K.sum()) - np.log((reference_K + 0.5) / reference_K.sum())
        excess = dict(zip(labels, more_K.tolist()))
        return Drift(
            detector="label_shift",
            drifted=p_value <= self.alpha and effect.value >= self.min_distance,
            p_value=p_value,
            effect=effect,
            effect_name="total_variation",
            row_scores={id: excess[label] for id, label in zip(live.ids, live.labels)},
            details={
                "bound": self.min_distance,
                "shares": {side: dict(zip(labels, values_K.tolist())) for side, values_K in shares.items()},
            },
        )


def g_statistic(live_PK: NDArray[np.int64], total_K: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return G of 2 × K tables, given their live row and their column sums.

    >>> round(float(g_statistic(np.array([10, 30]), np.array([40, 40]))), 4)
    20.9299
    """
    num_live = live_PK.sum(axis=-1, keepdims=True)
    num_all = total_K.sum()
    expected_live = num_live * total_K / num_all
    statistic: NDArray[np.float64] = 2 * (
        _n_log_ratio(live_PK, expected_live) + _n_log_ratio(total_K - live_PK, total_K - expected_live)
    )
    return statistic


def _n_log_ratio(counts: NDArray[np.int64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio = np.where(counts > 0, counts / np.where(expected > 0, expected, 1), 1.0)
    summed: NDArray[np.float64] = (counts * np.log(ratio)).sum(axis=-1)
    return summed


def _counts(given: list[str], labels: list[str]) -> NDArray[np.int64]:
    counted = Counter(given)
    return np.asarray([counted[label] for label in labels], dtype=np.int64)


def _distance_estimate(
    reference_K: NDArray[np.int64], live_K: NDArray[np.int64], source: np.random.Generator
) -> Estimate:
    """Return the total variation distance with a percentile bootstrap interval."""
    p_K, q_K = reference_K / reference_K.sum(), live_K / live_K.sum()
    value = 0.5 * float(np.abs(p_K - q_K).sum())
    p_RK = source.multinomial(int(reference_K.sum()), p_K, size=_RESAMPLES) / reference_K.sum()
    q_RK = source.multinomial(int(live_K.sum()), q_K, size=_RESAMPLES) / live_K.sum()
    low, high = np.quantile(0.5 * np.abs(p_RK - q_RK).sum(axis=1), [0.025, 0.975])
    return Estimate(value, min(value, float(low)), max(value, float(high)), int(live_K.sum()))
