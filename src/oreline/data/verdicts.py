"""What an `edit` may say of rows besides what it changed: that they are to be dropped, or only pointed out."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from oreline.data.ledger import DROP_REASON, FLAG_REASON

Write = Callable[[str, str, pl.DataFrame], None]
"""Writes `row_id` and `reason` into the ledger for an operator and an action."""


def settled(edited: pl.DataFrame, operator: str, write: Write) -> pl.DataFrame:
    """Return the rows that stay, without the columns of reasons, which go to the ledger."""
    for column, action in ((FLAG_REASON, "flagged"), (DROP_REASON, "dropped")):
        if column in edited.columns:
            reasons = edited[column]
            edited = edited.drop(column)
            found = edited.select("row_id", reasons.alias("reason")).filter(reasons.is_not_null())
            write(operator, action, found)
            if action == "dropped" and found.height:
                edited = edited.filter(reasons.is_null())
    return edited
