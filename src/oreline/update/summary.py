"""The report of an update: rows, both models' figures, the gate's verdict, aliases before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from oreline.evaluate.estimates import estimates
from oreline.evaluate.gate import Verdict
from oreline.evaluate.table import Table as Predicted
from oreline.report.report import Report, Table
from oreline.types import Estimate
from oreline.update.rows import rows_table

Pair = tuple[Predicted, Predicted]
"""The model in place and the new one, on the same rows."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate saw and said."""

    golden: Pair
    fresh: Pair
    verdict: Verdict


def update_report(
    judged: Judged,
    *,
    subject: Mapping[str, str],
    facts: Mapping[str, object],
    counts: Mapping[str, int],
    aliases: tuple[Mapping[str, str], Mapping[str, str]],
    warnings: list[str],
    seed: int,
) -> Report:
    """Return the report of an update that was judged.

    Args:
        judged: both models' answers on the golden and the held-out fresh rows, and the verdict.
        subject: versions and fingerprints.
        facts: what else the update did.
        counts: of `Division.counts`.
        aliases: before and after.
        warnings: for the user.
        seed: of the bootstrap behind accuracies.
    """
    verdict = judged.verdict
    checks = {check.name: check for check in verdict.checks}
    metrics = {
        **_figures("golden", judged.golden, seed),
        "golden_accuracy_change": checks["all rows"].difference,
        **_figures("fresh", judged.fresh, seed),
        "fresh_accuracy_change": checks["fresh rows"].difference,
    }
    return Report(
        "update",
        f"Update: {verdict.decision}",
        subject=dict(subject),
        metrics=metrics,
        facts={
            "decision": verdict.decision,
            "verdict": verdict.sentence,
            "rows_needed": verdict.rows_needed,
            **facts,
        },
        tables=[
            rows_table(dict(counts)),
            *verdict.to_tables(),
            _per_class("Per class on the golden rows", judged.golden),
            _per_class("Per class on the fresh rows held out", judged.fresh),
            _aliases_table(*aliases),
        ],
        warnings=warnings,
    )


def _figures(name: str, pair: Pair, seed: int) -> dict[str, Estimate]:
    metric = pair[0].task.metrics[0]
    return {
        f"{name}_{metric}_{when}": found[metric]
        for when, table in zip(("before", "after"), pair)
        if metric in (found := estimates(table, [metric], seed=seed))
    }


def _per_class(title: str, pair: Pair) -> Table:
    """Return the mean credit of each class's rows (its recall, where a row is right or wrong)."""
    before, after = pair
    classes_N = np.asarray(before.task.outcomes(before.targets), dtype=object)
    changes_N = after.credit_N - before.credit_N
    rows = []
    for name in sorted(set(classes_N)):
        of_class = np.flatnonzero(classes_N == name)
        means = [round(float(table.credit_N[of_class].mean()), 4) for table in pair]
        gains, losses = int((changes_N[of_class] > 0).sum()), int((changes_N[of_class] < 0).sum())
        rows.append((name, len(of_class), *means, gains, losses))
    return Table(title, ("class", "n", "recall before", "recall after", "gains", "losses"), rows)


def _aliases_table(before: Mapping[str, str], after: Mapping[str, str]) -> Table:
    names = sorted({*before, *after})
    return Table("Aliases", ("alias", "before", "after"), [(n, before.get(n, ""), after.get(n, "")) for n in names])
