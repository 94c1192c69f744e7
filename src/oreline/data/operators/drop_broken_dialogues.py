"""Drop dialogues in which the speakers do not take turns."""

from __future__ import annotations

import polars as pl

from oreline.data.forms.dialogues import whole
from oreline.dialogue import fault, is_dialogue


class Operator:
    """Drop dialogues that something breaks: two turns in a row of one speaker, no answer, an empty message.

    The ledger says of each what breaks it. Rows that are no lists of messages stay.
    """

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        """Return what breaks each dialogue, null for those that nothing breaks and for other rows."""
        if not {"text", "target_text"} <= set(frame.columns):
            return pl.Series([None] * frame.height, dtype=pl.String)
        reasons = [
            fault(whole(text, target), answered=True) if text is not None and is_dialogue(text) else None
            for text, target in frame.select("text", "target_text").iter_rows()
        ]
        return pl.Series(reasons, dtype=pl.String)
