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
        **_accuracies("golden", judged.golden, seed),
        "golden_accuracy_change": checks["all rows"].difference,
        **_accuracies("fresh", judged.fresh, seed),
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


def _accuracies(name: str, pair: Pair, seed: int) -> dict[str, Estimate]:
    return {
        f"{name}_accuracy_{when}": estimates(table, ["accuracy"], seed=seed)["accuracy"]
        for when, table in zip(("before", "after"), pair)
    }


def _per_class(title: str, pair: Pair) -> Table:
    """Return each class's share of rows that either model has right (its recall)."""
    before, after = pair
    rows = []
    for index, label in enumerate(before.labels):
        of_class = np.flatnonzero(before.targets_N == index)
        if len(of_class):
            recalls = [round(float(table.right_N[of_class].mean()), 4) for table in pair]
            gains = int((after.right_N & ~before.right_N)[of_class].sum())
            losses = int((before.right_N & ~after.right_N)[of_class].sum())
            rows.append((label, len(of_class), *recalls, gains, losses))
    return Table(title, ("class", "n", "recall before", "recall after", "gains", "losses"), rows)


def _aliases_table(before: Mapping[str, str], after: Mapping[str, str]) -> Table:
    names = sorted({*before, *after})
    return Table("Aliases", ("alias", "before", "after"), [(n, before.get(n, ""), after.get(n, "")) for n in names])
