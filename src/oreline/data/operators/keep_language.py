"""Keep rows in languages that are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import polars as pl

from oreline.data.quality.rules import Bound, Calibration
from oreline.data.texts.edits import as_read
from oreline.data.texts.language import NO_LANGUAGE, UNSPACED, identify, known_languages
from oreline.errors import UsageError, did_you_mean

_OTHER_SCRIPTS = (
    *UNSPACED, "ru", "uk", "be", "bg", "mk", "sr", "kk", "ky", "mn", "tg", "ar", "fa", "ur", "ps", "ug", "ckb", "he",
    "yi", "el", "hy", "ka", "am", "hi", "mr", "ne", "sa", "bn", "as", "pa", "gu", "or", "ta", "te", "kn", "ml", "si",
    "th", "lo", "my", "km", "bo", "dv",
)  # fmt: skip
"""Languages of the model that are not written in Latin letters."""


class Operator:
    """Drop rows in another language than those named, and long ones whose language cannot be told.

    Script decides for Chinese, Japanese and Korean, fastText's small model for the rest. It is offline. A word or two
    say little about a language, so short texts in Latin letters stay where any wanted language has them, and texts
    without letters (`666`, emoji) always stay. Cantonese and Wu count as Chinese.

    The reasons: `language_fr` (and so on), `language_unsure`, `code_mixed`.

    Args:
        languages: ISO 639-1 codes of what stays.
        min_score: probability that a guess needs, 0 to 1, half of it where it is a wanted language: short sentences
            of the right language are often unsure.
        min_letters: shorter texts are judged by their script alone.
        mixed: Chinese with several English words, or the reverse: `keep` where both are wanted, `keep_main` where the
            main one is wanted, `drop` always.
        columns: text columns that are looked at, where the data has them.

    >>> rows = pl.DataFrame({"text": ["Un film très mauvais, que je n'ai pas aimé du tout", "一部好电影"]})
    >>> Operator().keep(rows).to_list()
    ['language_fr', None]
    """

    def __init__(
        self,
        *,
        languages: Sequence[str] = ("en", "zh"),
        min_score: float = 0.5,
        min_letters: int = 20,
        mixed: Literal["keep", "keep_main", "drop"] = "keep",
        columns: Sequence[str] = ("text",),
    ) -> None:
        if unknown := set(languages) - {"en", *UNSPACED} and set(languages) - known_languages():
            code = min(unknown)
            raise UsageError(f"keep_language: no language {code!r}", allowed=did_you_mean(code, known_languages()))
        if not languages:
            raise UsageError("keep_language: no language is kept", allowed="codes such as en, zh, fr")
        if not 0 <= min_score <= 1:
            raise UsageError(f"keep_language: min_score is {min_score}", allowed="0 to 1")
        self._languages, self._columns = list(languages), tuple(columns)
        self._min_score, self._min_letters, self._mixed = min_score, min_letters, mixed

    def calibration(self, frame: pl.DataFrame) -> Calibration:
        """Return how sure the language of each row of a wanted one is, with the bound; null where none is asked."""
        column = next((name for name in self._columns if name in frame.columns), None)
        texts = as_read(frame[column]) if column else pl.Series([None] * frame.height, dtype=pl.String)
        found = identify(texts)
        is_judged = pl.col("language").is_in(self._languages) & (pl.col("letters") >= self._min_letters)
        values = found.select(pl.when(is_judged).then("score").alias("probability"))
        every = pl.Series("language", ["wanted"], dtype=pl.String).new_from_index(0, frame.height)
        return Calibration(values, every, {"wanted": (Bound("min_score", "probability", "low", self._min_score / 2),)})

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        """Return the reason for each row to drop."""
        reason = pl.Series("reason", [None] * frame.height, dtype=pl.String)
        for column in self._columns:
            if column in frame.columns:
                found = identify(as_read(frame[column]))
                reason = pl.select(pl.coalesce(reason, found.select(self._reason()).to_series())).to_series()
        return reason.alias("reason")

    def _reason(self) -> pl.Expr:
        language, second = pl.col("language"), pl.col("second")
        is_wanted = language.is_in(self._languages)
        is_sure = pl.col("score") >= pl.when(is_wanted).then(self._min_score / 2).otherwise(self._min_score)
        is_short = pl.col("letters") < self._min_letters
        in_latin = ~language.is_in(_OTHER_SCRIPTS)
        latin_wanted = any(code not in _OTHER_SCRIPTS for code in self._languages)
        drop_mixed = {
            "keep": second.is_not_null() & is_wanted & ~second.is_in(self._languages),
            "keep_main": pl.lit(False),
            "drop": second.is_not_null(),
        }[self._mixed]
        return (
            pl.when(language == NO_LANGUAGE)
            .then(None)
            .when(drop_mixed)
            .then(pl.lit("code_mixed"))
            .when(is_short & in_latin & latin_wanted)
            .then(None)
            .when(~is_wanted & is_sure)
            .then(pl.concat_str(pl.lit("language_"), language))
            .when(~is_sure & ~is_short)
            .then(pl.lit("language_unsure"))
            .otherwise(None)
            .alias("reason")
        )
