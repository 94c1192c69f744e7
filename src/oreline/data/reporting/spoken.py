"""Which languages a dataset's texts are in, by a sample: its card claims no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from oreline.data.quality.languages import CHINESE, LANGUAGE, named_languages
from oreline.data.reporting.diversity import some_rows
from oreline.data.texts.edits import as_read
from oreline.data.texts.language import NO_LANGUAGE, UNDETERMINED, identify
from oreline.errors import MissingExtraError

_ROWS = 2000
"""Rows that are looked at, about; a shard gives ten at least."""
_LEAST_ROWS = 10
_SURE, _LETTERS = 0.5, 20
"""Probability that a guess needs, and letters: a word or two say little about a language."""
_LEAST_SHARE = 0.01
"""Of the rows: three of two thousand are more likely wrong guesses than a language."""
_JOINED = 10
"""Texts that are asked about together, where one alone is too short."""


def spoken(folder: Path, splits: Sequence[str]) -> dict[str, float]:
    """Return the share of rows in each language (codes of ISO 639-1), the most frequent first.

    A column `language` counts where it says one. Rows whose language cannot be told are in the shares' denominator
    only, and a language of fewer rows than one in a hundred is not named. Without the package that tells languages
    apart by more than their script, Chinese alone is.

    Args:
        folder: the dataset.
        splits: those that hold rows.
    """
    shards = [shard for split in splits for shard in sorted((folder / split).glob("*.parquet"))]
    heights = [pl.scan_parquet(shard).select(pl.len()).collect().item() for shard in shards]
    total = sum(heights)
    found: Counter[str] = Counter()
    for shard, height in zip(shards, heights):
        rows = some_rows(shard, max(_LEAST_ROWS, _ROWS * height // max(total, 1)), ("text", LANGUAGE))
        if rows is None:
            return {}
        for language, share in _shares(rows).items():
            found[language] += share * height / total
    unnamed = (NO_LANGUAGE, UNDETERMINED)
    return {name: share for name, share in found.most_common() if share >= _LEAST_SHARE and name not in unnamed}


def _shares(rows: pl.DataFrame) -> Counter[str]:
    """Return the share of some rows in each language."""
    found: Counter[str] = Counter()
    if LANGUAGE in rows.columns and rows.schema[LANGUAGE] == pl.String:
        found.update(rows[LANGUAGE].drop_nulls().to_list())
        rest = rows.filter(pl.col(LANGUAGE).is_null())
    else:
        rest = rows
    if rest.height:
        try:
            found.update(_identified(as_read(rest["text"])))
        except MissingExtraError:
            found[CHINESE] += int((named_languages(rest.select("text")) == CHINESE).sum())
    return Counter({language: number / rows.height for language, number in found.items()})


def _identified(texts: pl.Series) -> Counter[str]:
    """Return the number of texts in each language; short ones are asked about together."""
    told = identify(texts)
    is_sure = (told["score"] >= _SURE) & ((told["score"] == 1.0) | (told["letters"] >= _LETTERS))
    found = Counter(told["language"].filter(is_sure).to_list())
    short = texts.filter(~is_sure & (told["letters"] < _LETTERS)).to_list()
    groups = [short[start : start + _JOINED] for start in range(0, len(short), _JOINED)]
    together = identify(pl.Series([". ".join(group) for group in groups], dtype=pl.String))
    for group, language, score, letters in zip(groups, together["language"], together["score"], together["letters"]):
        if score >= _SURE and letters >= _LETTERS:
            found[language] += len(group)
    return found
