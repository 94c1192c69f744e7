"""Which languages a dataset's texts are in, by a sample: neither report nor card claims another one."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from oreline.data.quality.languages import CHINESE, LANGUAGE, named_languages
from oreline.data.texts.language import NO_LANGUAGE, UNDETERMINED, identify
from oreline.errors import MissingExtraError

ROWS = 2000
"""Rows that are looked at."""
SURE, LETTERS = 0.5, 20
"""Probability that a guess needs, as `keep_language` and `tag_language` ask for, and letters: a word or two say little
about a language."""
LEAST_SHARE = 0.01
"""Of the rows: three of two thousand are more likely wrong guesses than a language."""
_JOINED = 10
"""Texts that are asked about together, where one alone is too short."""


def spoken(rows: pl.DataFrame) -> dict[str, float]:
    """Return the share of rows in each language (codes of ISO 639-1), the most frequent first.

    Rows whose language cannot be told are in the shares' denominator only, and a language of fewer rows than one in a
    hundred is not named.

    Args:
        rows: `text`, and `language` where there is such a column.
    """
    return named(row_languages_told(rows))


def named(languages: pl.Series) -> dict[str, float]:
    """Return the share of each language that is one: in a hundredth of the rows at least.

    >>> named(pl.Series(["en"] * 150 + ["fr"] + [None] * 49))
    {'en': 0.75}
    """
    counts: Mapping[str, int] = dict(languages.drop_nulls().value_counts(sort=True).iter_rows())
    shares = {name: rows / len(languages) for name, rows in sorted(counts.items(), key=lambda one: (-one[1], one[0]))}
    unnamed = (NO_LANGUAGE, UNDETERMINED)
    return {name: share for name, share in shares.items() if share >= LEAST_SHARE and name not in unnamed}


def row_languages_told(rows: pl.DataFrame) -> pl.Series:
    """Return the language of each row, null where it cannot be told.

    A column `language` counts where it says one. Without the package that tells languages apart by more than their
    script, Chinese alone is told.

    Args:
        rows: `text`, and `language` where there is such a column.
    """
    if "text" not in rows.columns:
        return pl.Series(LANGUAGE, [None] * rows.height, dtype=pl.String)
    given = rows[LANGUAGE] if LANGUAGE in rows.columns else pl.Series([None] * rows.height, dtype=pl.String)
    asked = given.is_null().arg_true()
    texts = rows["text"].fill_null("").gather(asked)
    try:
        told = _identified(texts)
    except MissingExtraError:
        by_script = named_languages(texts.to_frame("text"))
        told = pl.select(pl.when(by_script == CHINESE).then(by_script)).to_series()
    return given.clone().scatter(asked, told).alias(LANGUAGE) if len(asked) else given.alias(LANGUAGE)


def _identified(texts: pl.Series) -> pl.Series:
    """Return the language of each text; short ones are asked about together."""
    told = identify(texts)
    is_sure = (told["score"] >= SURE) & ((told["score"] == 1.0) | (told["letters"] >= LETTERS))
    found = pl.select(pl.when(is_sure).then(told["language"])).to_series()
    places = (~is_sure & (told["letters"] < LETTERS)).arg_true()
    groups = [places[start : start + _JOINED] for start in range(0, len(places), _JOINED)]
    joined = [". ".join(texts.gather(group).to_list()) for group in groups]
    together = identify(pl.Series(joined, dtype=pl.String))
    for group, language, score, letters in zip(groups, together["language"], together["score"], together["letters"]):
        if score >= SURE and letters >= LETTERS:
            found = found.scatter(group, language)
    return found
