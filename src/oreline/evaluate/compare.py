"""Two models on the same rows: paired differences and the exact McNemar test.

Shape suffixes: N rows, R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from oreline import registry
from oreline.errors import UsageError, did_you_mean
from oreline.evaluate.estimates import bootstrap_weights, interval, kind_of
from oreline.evaluate.paired import exact_mcnemar, score_interval
from oreline.evaluate.table import Table, aligned
from oreline.types import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.types import Metric


def paired_difference(
    before: Table, after: Table, *, metric: str = "accuracy", resamples: int = 2000, seed: int = 0
) -> Estimate:
    """Return how much a figure changes from one model to another, `after - before`, on the rows that both predicted.

    Both models are computed on the same draws of rows, so what is hard about a row for both cancels out. The interval
    is the percentile interval of the difference; for accuracy it is Tango's score interval
    (`paired.score_interval`), which also holds where the models differ on few rows, and which the gate uses.

    Args:
        before: the first model's table.
        after: the second model's table.
        metric: name of a figure: `accuracy`, `macro_f1`, `log_loss`, …
        resamples: number of draws.
        seed: of the draws.

    Raises:
        DataError: the tables have no row in common.
        UsageError: no metric plug computes this figure.
    """
    if metric == "accuracy":
        gains, losses, n = discordant(*aligned(before, after))
        return Estimate((gains - losses) / n, *score_interval(gains, losses, n), n)
    known: set[str] = set()
    for plug in metrics_of(before.task.view):
        differences = paired_differences(before, after, [plug], resamples=resamples, seed=seed)
        if metric in differences:
            return differences[metric]
        known |= differences.keys()
    raise UsageError(f"no metric computes {metric!r} of these tables", allowed=did_you_mean(metric, known))


def paired_differences(
    before: Table, after: Table, metric_names: Sequence[str], *, resamples: int = 2000, seed: int = 0
) -> dict[str, Estimate]:
    """Return the paired differences of every figure of some metric plugs; see `paired_difference`."""
    before, after = aligned(before, after)
    n = before.num_rows
    plugs: list[Metric] = [registry.create("metric", name) for name in metric_names]
    draws = [
        [_differences(plug, before, after, weights_RN) for plug in plugs]
        for weights_RN in bootstrap_weights(n, resamples, seed)
    ]
    found: dict[str, Estimate] = {}
    for place, plug in enumerate(plugs):
        for figure, point_R in _differences(plug, before, after, np.ones((1, n))).items():
            value = float(point_R[0])
            if np.isfinite(value):
                draws_R = np.concatenate([draw[place][figure] for draw in draws])
                found[figure] = Estimate(value, *interval(value, draws_R, kind_of(plug)), n)
    if "accuracy" in found and is_all_or_nothing(before) and is_all_or_nothing(after):
        gains, losses, _ = discordant(before, after)
        found["accuracy"] = Estimate((gains - losses) / n, *score_interval(gains, losses, n), n)
    return found


def metrics_of(view: str) -> list[str]:
    """Return the names of the metric plugs that measure answers of one kind."""
    return [
        name for name in registry.names("metric") if getattr(registry.get("metric", name), "view", "classes") == view
    ]


def mcnemar(before: Table, after: Table) -> float:
    """Return the two-sided p-value of the exact McNemar test that both models are equally accurate."""
    gains, losses, _ = discordant(*aligned(before, after))
    return exact_mcnemar(gains, losses)


def is_all_or_nothing(table: Table) -> bool:
    """Whether every row is either altogether right or altogether wrong, as answers of one class are."""
    return bool(np.isin(table.credit_N, (0.0, 1.0)).all())


def discordant(before: Table, after: Table) -> tuple[int, int, int]:
    """Return the rows that only `after` has right, those that only `before` has right, and all; tables are aligned."""
    gains = int((after.right_N & ~before.right_N).sum())
    losses = int((before.right_N & ~after.right_N).sum())
    return gains, losses, before.num_rows


def _differences(
    plug: Metric, before: Table, after: Table, weights_RN: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    first, second = plug.values(before, weights_RN), plug.values(after, weights_RN)
    return {name: second[name] - first[name] for name in first if name in second}
