"""Keep documents that are no lists, menus or torn lines, by FineWeb's rules."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from oreline.data.quality.rules import Calibration, Rules, Side

_BOUNDS: dict[str, tuple[str, Side]] = {
    "min_terminal_lines": ("terminal_lines", "low"),
    "max_short_lines": ("short_lines", "high"),
    "max_dup_line_chars": ("dup_line_chars", "high"),
    "max_newline_ratio": ("newline_ratio", "high"),
}
_CHINESE = {
    "min_terminal_lines": 0.106,
    "max_short_lines": None,
    "max_dup_line_chars": 0.1,
    "max_newline_ratio": 0.178,
}


class Operator:
    """Drop documents whose lines are torn, repeated or a list: FineWeb's own rules, English and Chinese.

    For documents of web pages. A text of one line without a mark at its end is dropped. A bound that is null is off.
    Source: Penedo et al. 2024 (arXiv 2406.17557); for Chinese FineWeb-2's `cmn_Hani` (Penedo et al. 2025).

    Args:
        min_terminal_lines: share of lines that end with a mark (. ! ? … 。！？ or a quote); Chinese 0.106.
        max_short_lines: share of lines of at most 30 characters; Chinese off.
        max_dup_line_chars: share of characters in lines that were there before; Chinese 0.1.
        max_newline_ratio: line ends for each word; Chinese 0.178.
        chinese: bounds for Chinese rows, by the names above.
        column: the column with the text.

    >>> frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["Home\\nShop\\nAbout us", "天气很好。我们出去走走。"]})
    >>> Operator().keep(frame).to_list()
    ['fineweb: terminal_lines', None]
    """

    def __init__(
        self,
        *,
        min_terminal_lines: float | None = 0.12,
        max_short_lines: float | None = 0.67,
        max_dup_line_chars: float | None = 0.01,
        max_newline_ratio: float | None = 0.3,
        chinese: Mapping[str, float | None] | None = None,
        column: str = "text",
    ) -> None:
        limits = {
            "min_terminal_lines": min_terminal_lines,
            "max_short_lines": max_short_lines,
            "max_dup_line_chars": max_dup_line_chars,
            "max_newline_ratio": max_newline_ratio,
        }
        self.rules = Rules("fineweb", _BOUNDS, limits, chinese=_CHINESE, own=chinese, column=column)

    def calibration(self, frame: pl.DataFrame) -> Calibration:
        """Return what is measured of rows, with the bounds."""
        return self.rules.calibration(frame)

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        """Return the first bound that a row lies beyond, null for each row that stays."""
        return self.rules.reasons(frame)
