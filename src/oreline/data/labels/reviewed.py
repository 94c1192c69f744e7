"""What a review file decided, carried out: rows dropped, labels changed, everything checked against the data first."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from oreline.data.columnar import frames_of
from oreline.data.fold import INPUT_ROLES
from oreline.data.labels.review import DROP, LABEL, NEW, Decision, count_decisions, marks, read_decisions
from oreline.data.ledger import CHANGE_REASON
from oreline.errors import DataError, did_you_mean
from oreline.types import Operator

NAME = "review"
"""What the ledger calls it."""


class Review:
    """A review file with what was seen of its rows, and the operators that apply it to the parts of the data."""

    def __init__(self, path: str | Path) -> None:
        """Read the file. Raises `DataError` for one that is not as it should be, see `review.read_decisions`."""
        self.decisions = read_decisions(path)
        self._seen: set[str] = set()
        self._labels: set[str] = set()
        self._was_open: set[str] = set()
        """Rows that had no label: they may be of a class that no other row has yet."""

    def operators(self) -> list[tuple[str, Operator]]:
        """Return what drops rows and what changes labels, in this order: to stand where the rows were judged."""
        return [(NAME, _Drops(self)), (NAME, _Labels(self))]

    def look_at(self, frame: pl.DataFrame) -> None:
        """Note which rows are there. Raises `DataError` for a row that is no longer what was decided about."""
        if "label" in frame.columns:
            self._labels.update(frame["label"].drop_nulls().unique())
        is_decided = [row_id in self.decisions.by_row for row_id in frame["row_id"]]
        decided = frame.filter(pl.Series(is_decided, dtype=pl.Boolean))
        labels = decided["label"].to_list() if "label" in decided.columns else [None] * decided.height
        for row_id, mark, label in zip(decided["row_id"], marks(decided), labels):
            decision = self.decisions.by_row[row_id]
            if decision.hash != mark:
                raise DataError(
                    f"the row {row_id} has changed since it was reviewed: another text or label",
                    where=self.decisions.where(decision),
                    remedy="give the same operators as the run that wrote the review, or review it again",
                )
            self._seen.add(row_id)
            if label is None:
                self._was_open.add(row_id)

    def refuse_unknown(self) -> None:
        """Raise `DataError` for a row that no part of the data has, and for a label that no row has."""
        for row_id, decision in self.decisions.by_row.items():
            if row_id not in self._seen:
                raise DataError(
                    f"the data have no row {row_id!r}",
                    where=self.decisions.where(decision),
                    remedy="apply the review to the data that it is about, with the same operators before it",
                )
            if decision.label is None or row_id in self._was_open or self.label_of(decision) != decision.label:
                continue
            if decision.label in self._labels:
                continue
            raise DataError(
                f"no row has the label {decision.label!r}",
                where=self.decisions.where(decision),
                allowed=did_you_mean(decision.label, self._labels),
                remedy=f"correct it; {LABEL}={NEW}{decision.label} makes it a new class",
            )

    def new_label(self, row_id: str) -> str | None:
        """Return the label that was decided for a row; None where none was."""
        decision = self.decisions.by_row.get(row_id)
        return self.label_of(decision) if decision is not None else None

    def label_of(self, decision: Decision) -> str | None:
        """Return the label that a row gets: of `+NAME`, for a row that has one, `NAME`, unless a class is so called."""
        label = decision.label
        if label is None or decision.row_id in self._was_open or label in self._labels:
            return label
        return label[len(NEW) :].strip() or label if label.startswith(NEW) else label

    def sentence(self) -> str:
        """Say what was decided."""
        counts = count_decisions(self.decisions)
        parts = [f"{counts['keep']} kept", f"{counts['drop']} dropped", f"{counts['label']} labelled"]
        nothing = "" if self.decisions.by_row else ": nothing was decided, and nothing changes"
        return f"review: {', '.join(parts)}; {counts['open']} left open{nothing}"

    def of(self, what: str) -> list[Decision]:
        """Return the decisions of one kind."""
        return [decision for decision in self.decisions.by_row.values() if decision.what == what]


class _Drops:
    """Drops the rows that were decided so, after every decision was checked."""

    def __init__(self, review: Review) -> None:
        self._review = review
        self._dropped = pl.Series("row_id", [decision.row_id for decision in review.of(DROP)], dtype=pl.String)

    def whole(self, scan: pl.LazyFrame) -> pl.DataFrame:
        """Return the rows to drop."""
        columns = [name for name in ("row_id", *INPUT_ROLES, "label") if name in scan.collect_schema().names()]
        for frame in frames_of(scan.select(columns)):
            self._review.look_at(frame)
        alive = scan.select("row_id").filter(pl.col("row_id").is_in(self._dropped.to_list())).collect()
        return alive.with_columns(reason=pl.lit("reviewed"), kept_id=pl.lit(None, dtype=pl.String))


class _Labels:
    """Gives rows the labels that were decided."""

    def __init__(self, review: Review) -> None:
        self._review = review

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with the labels that they get."""
        if "label" not in frame.columns:
            frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias("label"))
        new = pl.Series("label", [self._review.new_label(row_id) for row_id in frame["row_id"]], dtype=pl.String)
        is_new = new.is_not_null() & new.ne_missing(frame["label"])
        reason = pl.Series([("labelled" if old is None else "relabelled") for old in frame["label"]], dtype=pl.String)
        return frame.with_columns(
            new.fill_null(frame["label"]),
            pl.when(is_new).then(reason).alias(CHANGE_REASON),
        )
