"""Keep documents that look like prose, by Gopher's rules."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from oreline.data.quality.rules import Calibration, Rules, Side

_BOUNDS: dict[str, tuple[str, Side]] = {
    "min_words": ("num_words", "low"),
    "max_words": ("num_words", "high"),
    "min_mean_word_length": ("mean_word_length", "low"),
    "max_mean_word_length": ("mean_word_length", "high"),
    "max_hash_ratio": ("hash_ratio", "high"),
    "max_ellipsis_ratio": ("ellipsis_ratio", "high"),
    "max_bullet_lines": ("bullet_lines", "high"),
    "max_ellipsis_lines": ("ellipsis_lines", "high"),
    "min_words_with_letter": ("words_with_letter", "low"),
    "min_stop_words": ("stop_words", "low"),
}
_CHINESE = {"min_mean_word_length": 1.0, "max_mean_word_length": 5.0, "min_words_with_letter": 0.735}


class Operator:
    """Drop documents that are too short, too long, or not prose: Gopher's quality rules, English and Chinese.

    For documents: the rule of 50 words drops most reviews and sentences. English words are stretches without white
    space, Chinese ones are jieba's; rows in other scripts are not judged. A bound that is null is off.
    Source: Rae et al. 2021 (arXiv 2112.11446, A1.1); for Chinese FineWeb-2's `cmn_Hani` (Penedo et al. 2025).

    Args:
        min_words: fewest words; marks alone are none.
        max_words: most words.
        min_mean_word_length: characters, outer marks left out; Chinese 1.
        max_mean_word_length: characters; Chinese 5.
        max_hash_ratio: `#` for each word.
        max_ellipsis_ratio: `…` and `...` for each word.
        max_bullet_lines: share of lines that begin with a bullet.
        max_ellipsis_lines: share of lines that end with an ellipsis.
        min_words_with_letter: share of words (marks included) with a letter in them; Chinese 0.735.
        min_stop_words: how many different ones of the most common words are there.
        chinese: bounds for Chinese rows, by the names above: `{min_words: 20}`.
        column: the column with the text.

    >>> frame = pl.DataFrame({"row_id": ["a:1"], "text": ["Great film. I have seen it with the whole family."]})
    >>> Operator().keep(frame).to_list(), Operator(min_words=5).keep(frame).to_list()
    (['gopher_quality: num_words low'], [None])
    """

    def __init__(
        self,
        *,
        min_words: int | None = 50,
        max_words: int | None = 100_000,
        min_mean_word_length: float | None = 3.0,
        max_mean_word_length: float | None = 10.0,
        max_hash_ratio: float | None = 0.1,
        max_ellipsis_ratio: float | None = 0.1,
        max_bullet_lines: float | None = 0.9,
        max_ellipsis_lines: float | None = 0.3,
        min_words_with_letter: float | None = 0.8,
        min_stop_words: int | None = 2,
        chinese: Mapping[str, float | None] | None = None,
        column: str = "text",
    ) -> None:
        limits = {
            "min_words": min_words,
            "max_words": max_words,
            "min_mean_word_length": min_mean_word_length,
            "max_mean_word_length": max_mean_word_length,
            "max_hash_ratio": max_hash_ratio,
            "max_ellipsis_ratio": max_ellipsis_ratio,
            "max_bullet_lines": max_bullet_lines,
            "max_ellipsis_lines": max_ellipsis_lines,
            "min_words_with_letter": min_words_with_letter,
            "min_stop_words": min_stop_words,
        }
        self.rules = Rules("gopher_quality", _BOUNDS, limits, chinese=_CHINESE, own=chinese, column=column)

    def calibration(self, frame: pl.DataFrame) -> Calibration:
        """Return what is measured of rows, with the bounds."""
        return self.rules.calibration(frame)

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        """Return the first bound that a row lies beyond, null for each row that stays."""
        return self.rules.reasons(frame)
