"""What a calibration shows of rules that say yes or no: what share would go by class and source, and rows of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from oreline.report.report import Chart, Table

Reasons = Sequence[tuple[str, pl.Series]]
"""Operators with the reason for each sampled row, null where it stays."""
_CLASSES, _SOURCES, _REASONS = 6, 4, 3
_OF_REASON, _STAYING, _SHOWN_REASONS = 3, 2, 5
_TEXT = 160
_OTHER_REASONS = "other reasons"
STAYS = "stays"


def share_charts(found: Reasons, groups: Mapping[str, pl.Series]) -> list[Chart]:
    """Return bars for each operator: what share of all rows, of each class and of each source would go, by reason.

    Args:
        found: what each operator says of the rows.
        groups: `class` and `source` of each row, those that there are.
    """
    return [_shares(operator, reasons, groups) for operator, reasons in found]


def _shares(operator: str, reasons: pl.Series, groups: Mapping[str, pl.Series]) -> Chart:
    every = pl.Series([True]).new_from_index(0, len(reasons))
    parts = [("all rows", every)]
    for name, most in (("class", _CLASSES), ("source", _SOURCES)):
        if name in groups and groups[name].n_unique() > 1:
            counts = groups[name].value_counts(sort=True).head(most)
            parts += [(f"{name} {value}", groups[name] == value) for value in counts[groups[name].name].to_list()]
    frequent = reasons.drop_nulls().value_counts(sort=True)[reasons.name].to_list()
    named = frequent[:_REASONS]
    series = {reason: [_percent(reasons == reason, part) for _, part in parts] for reason in named or ["would go"]}
    if len(frequent) > len(named):
        rest = reasons.is_not_null() & ~reasons.is_in(named)
        series[_OTHER_REASONS] = [_percent(rest, part) for _, part in parts]
    data = {"labels": [name for name, _ in parts], "series": series}
    note = f"Of {len(reasons):,} sampled rows; the other rows stay." if frequent else "No sampled row would go."
    return Chart(f"{operator}: rows that would go (%)", "bars", data, note)


def _percent(chosen: pl.Series, part: pl.Series) -> float:
    return round(100.0 * float((chosen.fill_null(False) & part).sum()) / max(int(part.sum()), 1), 3)


def shown_rows(found: Reasons, sample: pl.DataFrame, groups: Mapping[str, pl.Series]) -> Table:
    """Return rows that would go, of each reason, and rows that would stay; of different classes and sources first.

    Args:
        found: what each operator says of the rows.
        sample: `row_id` and `text`.
        groups: `class` and `source` of each row, those that there are.
    """
    names = [name for name in ("class", "source") if name in groups]
    shown = sample.select("row_id", pl.col("text").str.head(_TEXT).str.replace_all("\n", " ⏎ "))
    shown = shown.with_columns(groups[name].alias(name) for name in names)
    rows: list[list[object]] = []
    for operator, reasons in found:
        frequent = reasons.drop_nulls().value_counts(sort=True)[reasons.name].to_list()[:_SHOWN_REASONS]
        for reason, chosen, most in [
            *((reason, reasons == reason, _OF_REASON) for reason in frequent),
            (STAYS, reasons.is_null(), _STAYING),
        ]:
            some = _spread(shown.filter(chosen.fill_null(False)), names).head(most)
            rows += [[operator, reason, *row] for row in some.select(*names, "row_id", "text").iter_rows()]
    return Table("Rows that would go, and rows that would stay", ["operator", "reason", *names, "row", "text"], rows)


def _spread(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return rows of different texts, one of each class and source before a second one of any."""
    rows = rows.unique("text", keep="first", maintain_order=True)
    if not names:
        return rows
    return rows.sort(pl.int_range(pl.len()).over(names), maintain_order=True)
