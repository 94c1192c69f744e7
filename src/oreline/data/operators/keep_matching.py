"""Keep rows whose text matches one of the user's patterns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from oreline.data.texts.patterns import Patterns


class Operator:
    """Drop rows in whose text none of your regular expressions is found.

    Expressions are RE2's (google-re2): time grows with the text alone, there is no look-around and no back-reference.

    Args:
        patterns: expressions, or `{name: expression}`.
        ignore_case: whether case counts as the same.
        column: the column that is searched.
        drop: false only notes the rows in the ledger.

    >>> frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["退款多久到账", "hello"]})
    >>> Operator(patterns=["退款|退货"]).keep(frame).to_list()
    [None, 'matches_none']
    """

    def __init__(
        self,
        *,
        patterns: Sequence[str] | Mapping[str, str],
        ignore_case: bool = False,
        column: str = "text",
        drop: bool = True,
    ) -> None:
        self._patterns = Patterns(patterns, owner="keep_matching", ignore_case=ignore_case)
        self._column = column
        self.reports_only = not drop

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        """Return `matches_none` for each row in which no expression is found."""
        return self._patterns.reasons(frame, self._column, lambda name: "matches_none" if name is None else None)
