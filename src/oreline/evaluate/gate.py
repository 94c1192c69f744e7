"""The gate: may a model replace the one in place? Compress, update and promote all ask here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from oreline.errors import UsageError
from oreline.evaluate.compare import is_all_or_nothing, paired_differences
from oreline.evaluate.estimates import CONFIDENCE, Z
from oreline.evaluate.paired import mean_interval, p_mean_worse_than, p_worse_than, score_interval
from oreline.evaluate.table import Table, aligned, predicted_labels
from oreline.report.report import Table as ReportTable
from oreline.types import Estimate

Decision = Literal["passed", "refused", "undecided"]

ALPHA = (1 - CONFIDENCE) / 2
"""One-sided error of every decision: the probability of passing a model at the edge of what is forbidden."""
POWER_Z = 0.8416
"""Normal quantile of 0.8: `rows_needed` decides in four of five cases if the model is as good as it looks now."""
GROUP_BOUND = 4.0
"""A class or slice may lose this many times `max_drop`: what is lost there may be won elsewhere."""
MIN_GROUP_ROWS = 30
"""Smaller classes and slices are not tested: no drop there could be told from chance once all are tested."""


@dataclass(frozen=True, slots=True)
class Check:
    """One paired comparison of two models on some rows."""

    name: str
    """`all rows`, `fresh rows`, `class LABEL`, `COLUMN = VALUE`."""
    difference: Estimate
    """Mean credit after minus mean credit before (accuracy, where a row is right or wrong), with its 95 % interval."""
    gains: int
    """Rows that the new model has righter."""
    losses: int
    """Rows that the model in place has righter."""
    bound: float
    """The difference must not lie below this."""
    decision: Decision
    p_worse: float
    """One-sided p-value for a difference below the bound; for classes and slices after Holm's correction."""
    rows_needed: int | None = None
    """Rows that would decide, where undecided: None if no number of rows is in sight."""
    figure: str = "accuracy"
    """What changes: `accuracy`, or `mean credit` where a row can be partly right."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided, and on what evidence."""

    decision: Decision
    checks: tuple[Check, ...]
    """All rows first, then the fresh rows, then classes and slices, the largest loss first."""
    rows_needed: int | None
    sentence: str
    others: Mapping[str, Estimate] = field(default_factory=dict)
    """Paired differences of other figures, which decide nothing."""

    def to_tables(self) -> list[ReportTable]:
        """Return the evidence as tables of a report."""
        checks = ReportTable(
            f"Gate: {self.decision}",
            ("rows", "gains", "losses", f"{self.checks[0].figure} change", "bound", "decision", "rows needed"),
            [
                (c.name, c.gains, c.losses, c.difference, c.bound, c.decision,
                 "" if c.rows_needed is None else c.rows_needed)
                for c in self.checks
            ],
            note=self.sentence,
        )  # fmt: skip
        others = ReportTable(
            "Other figures, new model minus model in place",
            ("figure", "change"),
            list(self.others.items()),
            note="These decide nothing.",
        )
        return [checks, others]


def gate(
    before: Table,
    after: Table,
    *,
    max_drop: float = 0.005,
    fresh: tuple[Table, Table] | None = None,
    seed: int = 0,
) -> Verdict:
    """Decide whether a model may replace the one in place, by what both answer on the same rows.

    1. **All rows, not worse.** With d the accuracy after minus the accuracy before, the new model passes when the 95 %
       interval of d lies above `-max_drop`, is refused when it lies below, and is undecided when it holds the bound: a
       test of non-inferiority with a one-sided error of 2.5 %. Two models that give every row the same answer pass by
       definition, on however few rows: nothing that was seen speaks against the new one. The sentence then says how
       large a drop those rows could have missed.
    2. **Classes and slices.** The rows of each class (by true label) and of each value of the tables' slices are tested
       for a drop of more than four times `max_drop`. One that is significant after Holm's correction for all of them,
       at 2.5 % together, refuses the model; otherwise these checks only inform.
    3. **Fresh rows, better.** Where `fresh` is given, the accuracy on them must have grown: the interval must lie above
       0 to pass, and refuses below 0.

    Refused if one of them refuses, passed if 1 and 3 pass, undecided otherwise. The interval is Tango's score interval
    (`paired.score_interval`): the bootstrap would have no width where the models differ on no row, and too little
    where they differ on few. Where a row can be partly right (several labels, a number), accuracy is the mean credit of
    the rows and the interval that of a mean of paired differences; classes are then what the task counts answers by.

    Args:
        before: the model in place, predicted by the artifact that is served.
        after: the new model, on the same rows.
        max_drop: accuracy that the new model may lose, between 0 and 1.
        fresh: both models' tables on fresh rows, the model in place first.
        seed: of the bootstrap behind the figures that only inform (F1, log loss, calibration).

    Raises:
        DataError: the tables have no row in common.
        UsageError: `max_drop` is not between 0 and 1.

    Source: Piaggio et al., Reporting of Noninferiority and Equivalence Randomized Trials, JAMA 308, 2012; Tango 1998;
    Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6, 1979.
    """
    if not 0 <= max_drop < 1:
        raise UsageError(f"max_drop is {max_drop}", allowed="a number from 0 up to 1, such as 0.005")
    before, after = aligned(before, after)
    checks = [_not_worse("all rows", before, after, max_drop)]
    if fresh is not None:
        checks.append(_better("fresh rows", *aligned(*fresh)))
    groups = _check_groups(before, after, GROUP_BOUND * max_drop)
    decision = _combine(checks, groups)
    needed = [check.rows_needed for check in checks if check.decision == "undecided"]
    rows_needed = max((rows for rows in needed if rows is not None), default=None) if None not in needed else None
    verdict = Verdict(
        decision,
        (*checks, *groups),
        rows_needed if decision == "undecided" else None,
        "",
        paired_differences(before, after, before.task.metrics[1:], resamples=500, seed=seed),
    )
    agree = predicted_labels(before) == predicted_labels(after)
    return replace(verdict, sentence=_sentence(verdict, agree))


def _not_worse(name: str, before: Table, after: Table, bound: float) -> Check:
    check = _check(name, before, after, 0.0 - bound)
    if predicted_labels(before) == predicted_labels(after):
        return replace(check, decision="passed", rows_needed=None)
    return check


def _better(name: str, before: Table, after: Table) -> Check:
    return _check(name, before, after, 0.0)


def _check(name: str, before: Table, after: Table, bound: float) -> Check:
    changes_N = after.credit_N - before.credit_N
    gains, losses, n = int((changes_N > 0).sum()), int((changes_N < 0).sum()), len(changes_N)
    figure = "accuracy" if is_all_or_nothing(before) and is_all_or_nothing(after) else "mean credit"
    if figure == "accuracy":
        low, high = score_interval(gains, losses, n, CONFIDENCE)
        p_value = p_worse_than(gains, losses, n, bound)
    else:
        low, high = mean_interval(changes_N, CONFIDENCE)
        p_value = p_mean_worse_than(changes_N, bound)
    difference = Estimate(float(changes_N.mean()), low, high, n)
    # At the bound 0 equality is not an improvement; at a drop that is allowed it is still allowed.
    passed = low > 0 if bound == 0 else low >= bound
    decision: Decision = "passed" if passed else "refused" if high < bound else "undecided"
    # With few rows that differ, the variance of a change is itself unsure, so one more is assumed.
    variance = (float((changes_N**2).sum()) + 1) / (n + 1) - difference.value**2
    rows_needed = _rows_needed(difference, variance, bound) if decision == "undecided" else None
    return Check(name, difference, gains, losses, bound, decision, p_value, rows_needed, figure)


def _check_groups(before: Table, after: Table, bound: float) -> list[Check]:
    tested = []
    for name, rows in _groups(before):
        if len(rows) >= MIN_GROUP_ROWS:
            check = _check(name, before.take(rows), after.take(rows), 0.0 - bound)
            tested.append(replace(check, rows_needed=None))
    adjusted = holm([check.p_worse for check in tested])
    checks = []
    for check, p_value in zip(tested, adjusted):
        # Below its own interval but not after correction for the number of groups: not enough to refuse.
        fallback: Decision = "passed" if check.decision == "passed" else "undecided"
        checks.append(replace(check, p_worse=p_value, decision="refused" if p_value <= ALPHA else fallback))
    return sorted(checks, key=lambda check: check.difference.value)


def _groups(table: Table) -> list[tuple[str, np.ndarray]]:
    of_target = table.task.outcomes(table.targets)
    groups = {"class": of_target, **{f"{name} =": values for name, values in table.slices.items()}}
    rows_of: dict[str, list[int]] = {}
    for prefix, values in groups.items():
        for row, value in enumerate(values):
            rows_of.setdefault(f"{prefix} {value}", []).append(row)
    return [(name, np.asarray(rows)) for name, rows in rows_of.items()]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm's step-down method: reject those at most alpha, with family error alpha.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _rows_needed(difference: Estimate, variance: float, bound: float) -> int | None:
    # n = (z_alpha + z_power)² var / distance², with the variance of one row's difference as it is now.
    distance = abs(difference.value - bound)
    if distance < 1e-9:
        return None
    rows = math.ceil((Z + POWER_Z) ** 2 * max(variance, 0.0) / distance**2)
    return _two_digits(max(rows, difference.n + 1))


def _two_digits(rows: int) -> int:
    step: int = 10 ** max(len(str(rows)) - 2, 0)
    return -(-rows // step) * step


def _combine(checks: Sequence[Check], groups: Sequence[Check]) -> Decision:
    if any(check.decision == "refused" for check in (*checks, *groups)):
        return "refused"
    return "passed" if all(check.decision == "passed" for check in checks) else "undecided"


def _sentence(verdict: Verdict, agree: bool) -> str:
    parts = []
    for check in verdict.checks:
        is_main = check.name in {"all rows", "fresh rows"}
        if is_main or check.decision == "refused":
            parts.append(_clause(check, agree and check.name == "all rows"))
        if is_main and check.decision == verdict.decision == "undecided":
            kind = "fresh rows" if check.name == "fresh rows" else "rows"
            parts.append(
                f"about {check.rows_needed:,} {kind} would decide"
                if check.rows_needed
                else f"the difference lies so near the bound that no number of {kind} in sight would decide"
            )
    return f"{verdict.decision}: {'; '.join(parts)}"


def _clause(check: Check, agree: bool) -> str:
    d = check.difference
    if agree:
        return f"both models give the same answer on all {d.n:,} rows (a drop of {-d.low:.4f} could have been missed)"
    wanted = "it must rise" if check.name == "fresh rows" else f"a drop of {0.0 - check.bound:.4f} is allowed"
    return (
        f"{check.figure} on {check.name} (n={d.n:,}) changes by {d.value:+.4f} [{d.low:+.4f}, {d.high:+.4f}], "
        f"{wanted} ({check.decision})"
    )
