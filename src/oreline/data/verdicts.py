"""What an operator's `edit` may say of rows beside changing them: that one is doubtful, or that it goes."""

from __future__ import annotations

from typing import Protocol

import polars as pl

FLAG_REASON = "flag_reason"
"""Column with a reason for each row that is only reported; the ledger takes it as `flagged`, the data do not."""
DROP_REASON = "drop_reason"
"""Column with a reason for each row that goes after all; the ledger takes it as `dropped`."""


class _Lines(Protocol):
    def write(self, operator: str, action: str, entries: pl.DataFrame) -> None: ...


def carried_out(name: str, edited: pl.DataFrame, ledger: _Lines) -> pl.DataFrame:
    """Return edited rows without those that go; flags and drops stand in the ledger.

    Args:
        name: what the ledger calls the operator.
        edited: what its `edit` returned.
        ledger: the ledger, or the notes that it takes.
    """
    for column, action in ((FLAG_REASON, "flagged"), (DROP_REASON, "dropped")):
        if column in edited.columns:
            found = edited.select("row_id", pl.col(column).alias("reason")).filter(pl.col("reason").is_not_null())
            ledger.write(name, action, found)
    if DROP_REASON in edited.columns:
        edited = edited.filter(pl.col(DROP_REASON).is_null())
    return edited.drop(FLAG_REASON, DROP_REASON, strict=False)
