"""Which rules a row is judged by: those for English, those for Chinese, or none."""

from __future__ import annotations

import polars as pl

from oreline.data.fold import is_foreign

ENGLISH, CHINESE, OTHER = "en", "zh", "other"
LANGUAGE = "language"
"""A column of this name with language codes (`en`, `zh-Hant`, `fr`) decides, row by row, before the script does."""

_HAN = r"[\x{3400}-\x{4dbf}\x{4e00}-\x{9fff}\x{f900}-\x{faff}\x{20000}-\x{323af}]"
_KANA_OR_HANGUL = r"[\x{3040}-\x{30ff}\x{ac00}-\x{d7af}]"
_NOT_LATIN = r"[\x{0370}-\x{1dff}\x{2c00}-\x{fdff}\x{ff66}-\x{3ffff}]"
_READ = 2000
"""Characters of a text that its script is told by."""
_CODE = r"^[a-z]{2,3}(?:[-_+].*)?$"
_UNDECIDED = ("und", "zxx")
"""Codes for a language that cannot be told, and for text without one."""


def row_languages(frame: pl.DataFrame, column: str) -> pl.Series:
    """Return `en`, `zh` or `other` for each row of a frame.

    Codes in the column `language` count where the frame has them. All else goes by script: `zh` where Han characters
    prevail as `profile.language_of` counts them, `other` where most letters are neither Latin nor Han. Text without
    letters goes with English, whose rules know what to do with it.
    """
    by_script = _by_script(frame[column])
    if LANGUAGE not in frame.columns or frame.schema[LANGUAGE] != pl.String:
        return by_script
    code = pl.col(LANGUAGE).str.to_lowercase()
    given = (
        pl.when(code.str.contains(r"^(?:zh|cmn|yue)(?:[-_+]|$)"))
        .then(pl.lit(CHINESE))
        .when(code.str.contains(r"^(?:en|eng)(?:[-_+]|$)"))
        .then(pl.lit(ENGLISH))
        .when(code.str.contains(_CODE) & ~code.is_in(_UNDECIDED))
        .then(pl.lit(OTHER))
    )
    return frame.select(pl.coalesce(given, pl.lit(by_script))).to_series()


def named_languages(frame: pl.DataFrame, column: str = "text") -> pl.Series:
    """Return what a report calls each row's language: the column `language` where it says one, else the script's."""
    by_script = _by_script(frame[column].fill_null(""))
    if LANGUAGE not in frame.columns or frame.schema[LANGUAGE] != pl.String:
        return by_script
    return frame.select(pl.coalesce(pl.col(LANGUAGE), pl.lit(by_script))).to_series()


def _by_script(text: pl.Series) -> pl.Series:
    found = pl.Series(LANGUAGE, [ENGLISH], dtype=pl.String).new_from_index(0, len(text))
    foreign = is_foreign(text).fill_null(False).arg_true()
    if not len(foreign):
        return found
    some = text.gather(foreign).str.head(_READ)
    is_likely = some.str.contains(_NOT_LATIN)
    foreign = foreign.filter(is_likely)
    patterns = {"han": _HAN, "kana": _KANA_OR_HANGUL, "ascii": "[A-Za-z]", "latin": r"\p{Latin}", "letters": r"\p{L}"}
    counts = (
        some.filter(is_likely)
        .to_frame("text")
        .select(
            pl.col("text").str.count_matches(pattern).cast(pl.Int64).alias(name) for name, pattern in patterns.items()
        )
    )
    han, kana, letters = pl.col("han"), pl.col("kana"), pl.col("letters")
    is_chinese = (han > 10 * kana) & (han >= 0.3 * (han + pl.col("ascii")))
    is_other = letters - han - pl.col("latin") + pl.when(kana > 0).then(han).otherwise(0) > 0.5 * letters
    named = pl.when(is_chinese).then(pl.lit(CHINESE)).when(is_other).then(pl.lit(OTHER)).otherwise(pl.lit(ENGLISH))
    return found.scatter(foreign, counts.select(named).to_series())
