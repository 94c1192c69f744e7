"""Keep documents of several sentences that are no place holders and no code, by C4's rules."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from oreline.data.quality.rules import Calibration, Rules, Side

_BOUNDS: dict[str, tuple[str, Side]] = {
    "min_sentences": ("num_sentences", "low"),
    "max_lorem_ipsum": ("lorem_ipsum", "high"),
    "max_curly_brackets": ("curly_brackets", "high"),
}


class Operator:
    """Drop documents with few sentences, place-holder text or curly brackets: C4's rules for pages, Chinese too.

    Sentences count in the lines that `trim_c4_lines` would keep, whether it ran before or not; run it before to take
    the other lines out. A bound that is null is off.
    Source: Raffel et al. 2020 (arXiv 1910.10683, section 2.2).

    Args:
        min_sentences: fewest sentences.
        max_lorem_ipsum: 0 drops texts with `lorem ipsum`.
        max_curly_brackets: most `{`; 0 drops what holds code.
        chinese: bounds for Chinese rows, by the names above.
        column: the column with the text.

    >>> frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["One line only, it says.", "if (x) { y(); }"]})
    >>> Operator(min_sentences=1).keep(frame).to_list()
    [None, 'c4: num_sentences']
    """

    def __init__(
        self,
        *,
        min_sentences: int | None = 5,
        max_lorem_ipsum: int | None = 0,
        max_curly_brackets: int | None = 0,
        chinese: Mapping[str, float | None] | None = None,
        column: str = "text",
    ) -> None:
        limits = {
            "min_sentences": min_sentences,
            "max_lorem_ipsum": max_lorem_ipsum,
            "max_curly_brackets": max_curly_brackets,
        }
        self.rules = Rules("c4", _BOUNDS, limits, chinese={}, own=chinese, column=column)

    def calibration(self, frame: pl.DataFrame) -> Calibration:
        """Return what is measured of rows, with the bounds."""
        return self.rules.calibration(frame)

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        """Return the first bound that a row lies beyond, null for each row that stays."""
        return self.rules.reasons(frame)
