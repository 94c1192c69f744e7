"""Figures with intervals: every figure of a table from the same bootstrap resamples.

Shape suffixes: N rows, R resamples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline import registry
from oreline.errors import DataError
from oreline.evaluate.table import Table
from oreline.types import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.types import Metric, Task

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
_WEIGHTS_AT_ONCE = 8_000_000
"""Cells of the weight matrix in memory at a time: 64 MB."""


def estimates(
    table: Table, metric_names: Sequence[str], *, resamples: int = 1000, seed: int = 0
) -> dict[str, Estimate]:
    """Compute figures with 95 % intervals.

    The rows are drawn again with replacement, `resamples` times, and every metric is computed on the same draws. The
    interval is the one that the metric names in its attribute `interval`, the percentile interval if it names none:

    * `percentile`: from the 2.5th to the 97.5th percentile of the draws.
    * `share`: the same; where all rows are right or all are wrong, so that every draw gives the same share and the
      bootstrap claims certainty, Wilson's score interval.
    * `basic`: the percentiles mirrored at the figure, `2 value - percentile`, from 0 up: for figures that resampling
      inflates, such as the ECE.

    The interval always holds the figure. A figure that the table does not define (recall of a class that no row has)
    is left out.

    Args:
        table: true classes and probabilities.
        metric_names: names of metric plugs, such as `accuracy` and `f1`.
        resamples: number of draws.
        seed: of the draws; the same seed draws the same rows, whatever the metrics.

    Raises:
        DataError: the table has no rows.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13; Davison & Hinkley, Bootstrap Methods
    and their Application, 1997, section 5.2 (basic).
    """
    if not table.num_rows:
        raise DataError("there are no rows to measure anything on")
    plugs: list[Metric] = [registry.create("metric", name) for name in metric_names]
    points = [_points(plug, table) for plug in plugs]
    draws: list[dict[str, list[NDArray[np.float64]]]] = [{name: [] for name in point} for point in points]
    for weights_RN in bootstrap_weights(table.num_rows, resamples, seed):
        for plug, collected in zip(plugs, draws):
            for name, values_R in plug.values(table, weights_RN).items():
                collected[name].append(values_R)
    found = {}
    for plug, point, collected in zip(plugs, points, draws):
        rows = _rows_behind(plug, table)
        for name, value in point.items():
            n = rows.get(name, table.num_rows)
            if np.isfinite(value) and n:
                found[name] = Estimate(value, *_bounds(value, np.concatenate(collected[name]), n, kind_of(plug)), n)
    return found


def interval(value: float, draws_R: NDArray[np.float64], kind: str) -> tuple[float, float]:
    """Return the 95 % interval of a figure from its bootstrap draws; see `estimates` for the kinds.

    >>> [round(bound, 3) for bound in interval(0.5, np.linspace(0.4, 0.8, 401), "percentile")]
    [0.41, 0.79]
    >>> [round(bound, 3) for bound in interval(0.5, np.linspace(0.4, 0.8, 401), "basic")]
    [0.21, 0.59]
    """
    # A draw without any row of a rare class does not define its recall; the interval is that of the other draws.
    defined_R = draws_R[np.isfinite(draws_R)]
    if not len(defined_R):
        return value, value
    tail = (1 - CONFIDENCE) / 2
    low, high = map(float, np.quantile(defined_R, [tail, 1 - tail]))
    if kind == "basic":
        low, high = 2 * value - high, 2 * value - low
    return min(low, value), max(high, value)


def kind_of(plug: Metric) -> str:
    """Return the kind of interval that a metric asks for."""
    return str(getattr(plug, "interval", "percentile"))


def point_values(task: Task, targets: NDArray[Any], outputs: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """Return the figures of a task's metrics without intervals: what training watches on dev."""
    num_rows = len(targets)
    return figures(Table(task, targets, outputs["scores"], [""] * num_rows, [""] * num_rows), task.metrics)


def task_estimates(task: Task, targets: NDArray[Any], outputs: Mapping[str, NDArray[Any]]) -> dict[str, Estimate]:
    """Return the figures of a task's metrics with their intervals: what a model card says of dev."""
    blank = [""] * len(targets)
    return estimates(Table(task, targets, outputs["scores"], blank, blank), task.metrics)


def figures(table: Table, metric_names: Sequence[str]) -> dict[str, float]:
    """Return the figures of some metrics without intervals; those that the table does not define are left out."""
    found: dict[str, float] = {}
    for name in metric_names:
        found.update(_points(registry.create("metric", name), table))
    return {name: value for name, value in found.items() if np.isfinite(value)}


def bootstrap_weights(num_rows: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each row is drawn, a bounded number of resamples at a time, as arrays of shape (R, N)."""
    source = np.random.default_rng(seed)
    at_once = max(_WEIGHTS_AT_ONCE // max(num_rows, 1), 1)
    for start in range(0, resamples, at_once):
        num_draws = min(at_once, resamples - start)
        weights_RN = np.empty((num_draws, num_rows))
        for draw in range(num_draws):
            weights_RN[draw] = np.bincount(source.integers(num_rows, size=num_rows), minlength=num_rows)
        yield weights_RN


def wilson(share: float, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % score interval of a share of n rows.

    Source: Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22, 1927.

    >>> [round(bound, 4) for bound in wilson(1.0, 50)]
    [0.9287, 1.0]
    """
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * (share * (1 - share) / n + Z**2 / (4 * n**2)) ** 0.5
    # The interval holds the share itself; rounding must not say otherwise at 0 and 1.
    return max(min(centre - half, share), 0.0), min(max(centre + half, share), 1.0)


def _points(plug: Metric, table: Table) -> dict[str, float]:
    return {name: float(values_R[0]) for name, values_R in plug.values(table, np.ones((1, table.num_rows))).items()}


def _rows_behind(plug: Metric, table: Table) -> dict[str, int]:
    num_rows = getattr(plug, "num_rows", None)
    return num_rows(table) if num_rows is not None else {}


def _bounds(value: float, draws_R: NDArray[np.float64], n: int, kind: str) -> tuple[float, float]:
    low, high = interval(value, draws_R, kind)
    if kind == "share" and low == high and value in (0.0, 1.0):
        return wilson(value, n)
    return (max(low, 0.0), high) if kind == "basic" else (low, high)
