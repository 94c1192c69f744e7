"""Before and after: what each operator took by source and class, how the data changed, where they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from oreline.data.ledger import OTHER_SOURCES, source_of
from oreline.data.reporting.bias import bias
from oreline.data.reporting.diversity import diversity
from oreline.data.reporting.intake import Intake
from oreline.data.reporting.spoken import LETTERS, ROWS, SURE, spoken
from oreline.data.reporting.summary import Account, Tally
from oreline.report.report import Chart, Table

_MAX_COLUMNS = 8
_BATCH = 1 << 16
_NUM_BINS = 24
_SHOWN_ACTIONS = ("dropped", "flagged")


def account(
    folder: Path,
    intake: Intake,
    tally: Tally,
    rows_in: Counter[str],
    lineage: Sequence[Mapping[str, Any]],
    found: Sequence[Table],
) -> Account:
    """Return tables, charts, facts and warnings for a report.

    Args:
        folder: the dataset, with `ledger.parquet` and the splits written.
        intake: what came in.
        tally: what the splits hold.
        rows_in: how many rows came in, by source, as the ledger counts them.
        lineage: one entry for each source, with `source`, `rows` and, of a file, `sha256`.
        found: tables that operators made.
    """
    by_source, by_class, privacy = _from_ledger(folder / "ledger.parquet", intake, rows_in)
    before = intake.tally
    found_bias, languages = bias(tally.sample.rows()), spoken(tally.sample.rows(ROWS))
    tables = [_changes(before, tally), by_source, by_class, *found_bias.tables, privacy, _languages(before, languages)]
    filled = [split for split, rows in tally.rows.items() if rows]
    tables += [diversity(folder, filled), _provenance(lineage)]
    shown = [table for table in tables if table is not None and table.rows]
    facts = {"imbalance": imbalance(tally.all_classes()), "languages": languages, "bias": found_bias.found}
    warnings = [*emptied(before.all_classes(), tally.all_classes()), *found_bias.warnings]
    return Account([*shown, *found], [*_charts(before, tally), *found_bias.charts], facts, warnings)


def imbalance(classes: Mapping[str, int]) -> float | None:
    """Return how many times the rows of the smallest class the largest has; None without classes.

    >>> imbalance({"a": 30, "b": 10})
    3.0
    """
    counts = [rows for rows in classes.values() if rows]
    return max(counts) / min(counts) if counts else None


def emptied(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """Say which classes came in and are gone; nothing where labels are many as ids or free text, or lists.

    >>> emptied({"a": 5, "b": 4}, {"a": 9})
    ['no row is left of 1 of 2 classes: b (4 came in)']
    """
    gone = [label for label in before if not after.get(label)]
    if not gone or not after or len(before) > max(2, sum(before.values()) // 2):
        return []
    if any(label.startswith("[") for label in gone):
        return []
    named = ", ".join(
        f"{label} ({before[label]:,} came in)" for label in sorted(gone, key=lambda one: -before[one])[:5]
    )
    return [f"no row is left of {len(gone):,} of {len(before):,} classes: {named}{', …' if len(gone) > 5 else ''}"]


def _from_ledger(file: Path, intake: Intake, rows_in: Counter[str]) -> tuple[Table | None, Table | None, Table | None]:
    """Return who took what by source and by class, and what was masked."""
    of_source: dict[tuple[str, str], Counter[str]] = {}
    of_class: dict[str, np.ndarray[Any, Any]] = {}
    kinds: Counter[str] = Counter()
    for lines in _lines(file):
        counts = lines.group_by("operator", "action", source_of().alias("source"), maintain_order=True).len()
        for operator, action, source, rows in counts.iter_rows():
            of_source.setdefault((operator, action), Counter())[source if source in rows_in else OTHER_SOURCES] += rows
        gone = lines.filter(pl.col("action").is_in(_SHOWN_ACTIONS))
        for operator, rows_of in intake.class_counts(gone).items():
            of_class[operator] = of_class.get(operator, 0) + rows_of
        masked = lines.filter(pl.col("operator").str.contains("pii"))["reason"].drop_nulls()
        for kind, rows in masked.str.split(", ").explode().value_counts().iter_rows():
            kinds[kind] += rows
    private = [[kind, rows] for kind, rows in sorted(kinds.items(), key=lambda found: (-found[1], found[0]))]
    note = "Rows in which something of the kind was found; what it was stands nowhere."
    privacy = Table("Privacy", ["kind", "rows"], private, note)
    return _by_source(of_source, rows_in), _by_class(of_class, intake), privacy


def _lines(file: Path) -> Iterator[pl.DataFrame]:
    yield from pl.scan_parquet(file).select("row_id", "operator", "action", "reason").collect_batches(chunk_size=_BATCH)


def _by_source(found: Mapping[tuple[str, str], Counter[str]], rows_in: Counter[str]) -> Table | None:
    if len(rows_in) < 2:
        return None
    sources = [source for source, _ in rows_in.most_common(_MAX_COLUMNS)]
    rows = [[*key, *(counts[source] for source in sources)] for key, counts in found.items()]
    return Table("What each operator did, by source", ["operator", "action", *sources], rows)


def _by_class(found: Mapping[str, np.ndarray[Any, Any]], intake: Intake) -> Table | None:
    """Return what share of each class operators took: a line for each operator, of many classes one for each class."""
    total = intake.tally.all_classes()
    place_of = {label: place for place, label in enumerate(intake.classes)}
    known = [label for label, _ in total.most_common() if label in place_of]
    if not known or not found:
        return None
    shares = {
        operator: [float(counts[place_of[label]]) / max(total[label], 1) for label in known]
        for operator, counts in found.items()
    }
    title, note = "What each operator took, by class", "Share of the class that was dropped or flagged."
    if len(known) <= _MAX_COLUMNS:
        columns = ["operator", *(f"{label}, n = {total[label]:,}" for label in known)]
        return Table(title, columns, [[operator, *of] for operator, of in shares.items()], note)
    rows = [[label, total[label], *(of[number] for of in shares.values())] for number, label in enumerate(known)]
    return Table(title, ["class", "rows", *shares], rows, f"{note} All {len(known):,} classes, the largest first.")


def _changes(before: Tally, after: Tally) -> Table:
    rows: list[list[Any]] = [["rows", before.rows.total(), after.rows.total()]]
    if before.has_lengths and after.has_lengths:
        for name, share in (("median characters", 0.5), ("95 % have at most", 0.95)):
            rows.append([name, _quantile(before.lengths(), share), _quantile(after.lengths(), share)])
    if before.classes or before.more_classes_than:
        rows.append(["classes", before.num_classes, after.num_classes])
        unequal = [imbalance(tally.all_classes()) for tally in (before, after)]
        rows += [["largest class over smallest", *unequal]] if any(unequal) else []
    return Table("Before and after", ["", "in", "out"], rows)


def _languages(before: Tally, after: Mapping[str, float]) -> Table:
    """Return the share of each language that the card names of what came out, and of what came in."""
    came_in = spoken(before.sample.rows(ROWS))
    names = sorted({**came_in, **after}, key=lambda name: (-max(came_in.get(name, 0.0), after.get(name, 0.0)), name))
    rows: list[list[Any]] = [[name, came_in.get(name, 0.0), after.get(name, 0.0)] for name in names]
    rest = [max(0.0, 1 - sum(shares.values())) for shares in (came_in, after)]
    rows += [["other, or not told", *rest]] if max(rest) > 0.0005 else []
    note = (
        f"Of up to {ROWS:,} rows, drawn at random: what the column `language` says, else script and fastText's model,"
        f" from a probability of {SURE} and {LETTERS} letters on. Below one row in a hundred a language is not named."
    )
    return Table("Languages", ["language", "share in", "share out"], rows, note)


def _provenance(lineage: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        [entry["source"], entry.get("rows"), entry.get("sha256", "no file")] for entry in lineage if "source" in entry
    ]
    return Table("Sources", ["source", "rows", "SHA-256"], rows)


def _charts(before: Tally, after: Tally) -> list[Chart]:
    found = []
    if before.has_lengths and after.has_lengths:
        counts = {"in": before.lengths(), "out": after.lengths()}
        together = counts["in"] + counts["out"]
        longest = _quantile(together, 0.99) + 1
        edges = np.arange(0, _NUM_BINS + 1) * max(1, -(-longest // _NUM_BINS))
        edges = np.append(edges[:-1][edges[:-1] < len(together)], edges[-1])
        series = {name: np.add.reduceat(values, edges[:-1]).tolist() for name, values in counts.items()}
        data = {"edges": edges.tolist(), "series": series, "x_label": "characters"}
        found.append(
            Chart("Length of the texts, before and after", "histogram", data, "The last bar holds all longer.")
        )
    if before.classes and not after.more_classes_than:
        labels = [label for label, _ in before.all_classes().most_common(30)]
        classes = {"in": before.all_classes(), "out": after.all_classes()}
        series = {name: [counts[label] for label in labels] for name, counts in classes.items()}
        found.append(Chart("Classes, before and after", "bars", {"labels": labels, "series": series}))
    return found


def _quantile(counts: np.ndarray[Any, Any], share: float) -> int:
    """Return the length that so many of the counted texts do not exceed."""
    return int(np.searchsorted(np.cumsum(counts), share * counts.sum()))
