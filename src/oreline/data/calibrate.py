"""Show what each rule would drop, on a sample, before anything is dropped: shares, distributions, examples, bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from oreline.data.forms.roles import bind, by_role
from oreline.data.ledger import CHANGE_REASON, DROP_REASON, FLAG_REASON, source_of
from oreline.data.profile import even_sample
from oreline.data.quality.languages import row_languages
from oreline.data.quality.rules import Calibration
from oreline.data.reporting.calibration_shares import share_charts, shown_rows
from oreline.data.reporting.calibration_tables import bounds_of_the_data, charts, examples, statistics
from oreline.data.running.steps import named_by
from oreline.data.sources import sources
from oreline.errors import DataError, UsageError
from oreline.report.report import Report, Table
from oreline.types import Event, OnEvent, OpenModel, Operator, ignore

SAMPLE_ROWS = 5000
_MAX_COLUMNS = 8
_BOTH = ("keep_language",)
"""Operators of which a score alone does not say which rows go."""
_OWN_ROWS = ("keep_perplexity",)
"""Those that see all rows, but judge each by itself."""
"""Sources and classes that get a column of their own, the most frequent ones."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What one operator would drop of the sample."""

    operator: str
    reasons: pl.Series
    """Of each sampled row, null where it stays."""
    calibration: Calibration | None
    is_reported: bool = False
    """Whether its options say that rows are only noted."""
    sees_all: bool = False
    """Whether it compares rows with all others: of a sample it finds less than of the data."""


def calibrate(
    source: Any,
    *,
    roles: Mapping[str, str] | None = None,
    operators: Sequence[tuple[str, Operator]],
    rows: int = SAMPLE_ROWS,
    tail: float = 0.01,
    open_model: OpenModel | None = None,
    on_event: OnEvent = ignore,
) -> Report:
    """Run every rule of a chain on a sample, each on all of its rows, and report what it would drop; drop nothing.

    Operators that edit are applied, since rules see what they leave; rows that they would drop count as theirs. Those
    that look for duplicates are shown as well, but only find those within the sample, and the report says so.

    Args:
        source: anything that `sources.frames` takes.
        roles: source column of each role.
        operators: names and operators, in order.
        rows: sampled, evenly spaced over each source.
        tail: share of rows that each proposed bound leaves out, 0 to 0.5.
        open_model: opens the models that operators name.

    Raises:
        UsageError: an impossible tail, or no rule to show.
        DataError: a source that cannot be read, or has no text.
    """
    if not 0 < tail < 0.5 or rows < 1:
        raise UsageError(f"tail {tail}, rows {rows}", allowed="a tail between 0 and 0.5, one row or more")
    _bind(operators, open_model)
    sample, num_rows = _sampled(source, dict(roles or {}), rows)
    cuts: list[Cut] = []
    silent = []
    for name, operator in operators:
        on_event(Event("calibrate", message=f"{name}: {sample.height:,} rows"))
        if hasattr(operator, "edit"):
            sample, cut = _edited(sample, name, operator)
        elif (cut := _cut(sample, name, operator)) is None:
            silent.append(name)
        cuts += [cut] if cut is not None else []
    if not cuts:
        raise UsageError("no rule to show", allowed="operators that drop single rows", remedy="oreline list operator")
    return _report(sample, cuts, silent, num_rows, tail)


def _sampled(source: Any, roles: Mapping[str, str], rows: int) -> tuple[pl.DataFrame, int]:
    parts, found, total = sources(source), [], 0
    for part in parts:
        some, num_rows, _ = even_sample(part.frames(), max(1, rows // len(parts)))
        named = by_role(some, bind(some.columns[1:], roles, part.place), part.place)
        found.append(named.filter(pl.col("text").is_not_null()) if "text" in named.columns else named)
        total += num_rows
    sample = pl.concat(found, how="diagonal_relaxed")
    if "text" not in sample.columns or not sample.height:
        raise DataError("there is no text to look at", where=", ".join(part.place for part in parts))
    return sample, total


def _edited(sample: pl.DataFrame, name: str, operator: Any) -> tuple[pl.DataFrame, Cut | None]:
    """Return the edited sample, all of its rows, and what the operator would drop, where it may drop anything."""
    if hasattr(operator, "fit"):
        operator.learnt(operator.fit(sample.lazy()))
    calibration = operator.calibration(sample) if hasattr(operator, "calibration") else None
    edited: pl.DataFrame = operator.edit(sample)
    reasons = edited[DROP_REASON].alias("reason") if DROP_REASON in edited.columns else None
    edited = edited.drop(CHANGE_REASON, DROP_REASON, FLAG_REASON, strict=False)
    drops = reasons is not None and (calibration is not None or reasons.null_count() < len(reasons))
    return edited, Cut(name, reasons, calibration) if reasons is not None and drops else None


def _bind(operators: Sequence[tuple[str, Any]], open_model: OpenModel | None) -> None:
    """Give operators the models that they name. Raises `UsageError` where nothing opens models."""
    for name, operator in operators:
        if named := getattr(operator, "models", None):
            if open_model is None:
                raise UsageError(f"the operator {name!r} needs a model", remedy="leave it out when you calibrate")
            operator.bind({key: open_model(place) for key, place in named.items()})


def _cut(sample: pl.DataFrame, name: str, operator: Any) -> Cut | None:
    """Return what an operator would drop; None for one that drops nothing."""
    if not hasattr(operator, "keep") and not hasattr(operator, "whole"):
        return None
    if hasattr(operator, "fit"):
        operator.learnt(operator.fit(sample.lazy()))
    calibration = operator.calibration(sample) if hasattr(operator, "calibration") else None
    is_reported = bool(getattr(operator, "reports_only", False))
    if hasattr(operator, "keep"):
        return Cut(name, operator.keep(sample).alias("reason"), calibration, is_reported)
    drops = pl.concat([frame.select("row_id", "reason") for frame in named_by(operator.whole(sample.lazy()))])
    reasons = sample.select("row_id").join(drops, on="row_id", how="left", maintain_order="left")["reason"]
    return Cut(name, reasons, calibration, is_reported, sees_all=True)


def _report(sample: pl.DataFrame, cuts: Sequence[Cut], silent: Sequence[str], num_rows: int, tail: float) -> Report:
    gone = pl.DataFrame([cut.reasons.is_not_null().alias(str(place)) for place, cut in enumerate(cuts)])
    num_gone = int(gone.select(pl.any_horizontal(pl.all()).sum()).item())
    groups = {"language": row_languages(sample, "text"), "source": sample.select(source_of()).to_series()}
    if "label" in sample.columns:
        groups["class"] = sample["label"].cast(pl.String).fill_null("no class")
    tables = [_by_reason(cuts), *(_by_group(cuts, name, values) for name, values in groups.items())]
    measured = [(cut.operator, cut.calibration) for cut in cuts if cut.calibration is not None]
    tables += [statistics(measured), *bounds_of_the_data(measured, tail), examples(measured, sample)]
    pictures = charts(measured)
    drawn = {chart.title.partition(": ")[0] for chart in pictures}
    plain = [(cut.operator, cut.reasons) for cut in cuts if cut.operator not in drawn or cut.operator in _BOTH]
    tables += [shown_rows(plain, sample, groups)] if plain else []
    noted = [cut.operator for cut in cuts if cut.is_reported]
    partly = [cut.operator for cut in cuts if cut.sees_all and cut.operator not in _OWN_ROWS]
    note = [f"found within the sample only, more in all rows: {', '.join(dict.fromkeys(partly))}"] if partly else []
    note += [f"these rows would only be noted, as the options are: {', '.join(dict.fromkeys(noted))}"] if noted else []
    note += [f"not shown, since they drop nothing: {', '.join(silent)}"] if silent else []
    return Report(
        verb="calibrate",
        title=f"{num_gone:,} of {sample.height:,} sampled rows would go",
        subject={"sources": groups["source"].unique(maintain_order=True).to_list()},
        facts={"rows_in_sources": num_rows, "rows_sampled": sample.height, "rows_that_would_go": num_gone},
        tables=tables,
        charts=[*pictures, *share_charts(plain, groups)],
        warnings=[*_alarms(cuts, sample.height), *note],
    )


def _by_reason(cuts: Iterable[Cut]) -> Table:
    rows = []
    for cut in cuts:
        size = max(len(cut.reasons), 1)
        counts = cut.reasons.drop_nulls().value_counts(sort=True)
        found = [[cut.operator, reason, count, count / size] for reason, count in counts.iter_rows()]
        rows += found or [[cut.operator, "nothing", 0, 0.0]]
    return Table("What each rule would drop", ["operator", "reason", "rows", "share"], rows, "Each rule on all rows.")


def _by_group(cuts: Sequence[Cut], name: str, groups: pl.Series) -> Table:
    counts = groups.value_counts(sort=True).head(_MAX_COLUMNS)
    shown = [(str(group), int(count)) for group, count in counts.iter_rows()]
    rows = []
    for cut in cuts:
        is_gone = cut.reasons.is_not_null()
        shares = [float((is_gone & (groups == group)).sum()) / count for group, count in shown]
        rows.append([cut.operator, *shares])
    columns = ["operator", *(f"{group}, n = {count:,}" for group, count in shown)]
    return Table(f"Share that would go, by {name}", columns, rows)


def _alarms(cuts: Iterable[Cut], num_rows: int) -> list[str]:
    """Say which operators would take more than half."""
    found = []
    for cut in cuts:
        share = (num_rows - cut.reasons.null_count()) / max(num_rows, 1)
        if share > 0.5:
            found.append(f"{cut.operator} would drop {share:.0%} of the rows: its bounds are not made for these data")
    return found
