"""Mend dialogues in which the speakers do not take turns."""

from __future__ import annotations

import polars as pl

from oreline.data.forms.dialogues import cells_of, whole
from oreline.dialogue import fault, is_dialogue, mended


class Operator:
    """Write dialogues so that user and assistant take turns, the user first and the assistant last.

    Turns in a row of one speaker become one, empty messages go, system messages move to the front, and answers before
    the first question and questions after the last answer go. A dialogue without a question and its answer is left as
    it is: `drop_broken_dialogues` drops it. Rows that are no lists of messages stay as they are.
    """

    dialogues = True
    """It changes dialogues, which other operators leave alone."""

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with dialogues that nothing breaks, where there is a question and an answer."""
        if "target_text" not in frame.columns:
            return frame
        rows = [self._mended(text, target) for text, target in frame.select("text", "target_text").iter_rows()]
        return frame.with_columns(
            pl.Series("text", [text for text, _ in rows], pl.String),
            pl.Series("target_text", [target for _, target in rows], pl.String),
        )

    def _mended(self, text: str | None, target: str | None) -> tuple[str | None, str | None]:
        if text is None or not is_dialogue(text):
            return text, target
        messages = whole(text, target)
        if not fault(messages, answered=True):
            return text, target
        better = mended(messages)
        return cells_of(better) if better else (text, target)
