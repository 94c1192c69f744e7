"""Words that go with a label: how often each class has them, against what chance would give.

The null of each word is that its rows have the labels that all rows have (Gardner et al. 2021, "Competency problems",
arXiv 2104.08646, with the classes' own shares in place of equal ones). Rows count, not occurrences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from oreline.data.texts.segmenter import segmenter
from oreline.data.texts.stopping import stop_words

FEWEST_ROWS = 10
"""A word of fewer rows is not judged."""
HAN_CHARACTERS = 250_000
"""Of Chinese texts that are cut into words: a second of jieba's time."""
_SLICE = 1000
_LONGEST = 40
"""Characters of a word; what is longer is an address, or a hash."""
_HAN = r"\p{Han}"
_WORD = r"[\p{L}\p{N}]+(?:['’]\p{L}+)*|[^\s\p{L}\p{N}]"
_LABEL, _WORD_COLUMN = "label", "word"
FUNCTION, NUMBER, MARK, CONTENT = "function word", "number", "mark", "word"
"""What a word is; the first three mean nothing on their own."""


def telling_words(texts: pl.Series, labels: pl.Series) -> tuple[pl.DataFrame, int]:
    """Return words with the labels that they go with, the most surprising first, and how many rows were looked at.

    Columns: `word`, `label`, `kind`, `n` (rows with the word), `hits` (those of the label), `share` (of the label among
    all rows), `z`, `phi` (correlation of word and label), `p` (one-sided, binomial, times all pairs that were tested).

    Args:
        texts: beginnings of texts, in random order.
        labels: a list for each text.
    """
    rows = _affordable(pl.DataFrame([texts.fill_null("").alias("text"), labels.alias(_LABEL)]))
    of_label = rows[_LABEL].explode().drop_nulls().value_counts(name="rows_of_label")
    counted = _counted(rows)
    words = counted.filter(pl.col(_LABEL).is_null()).select(_WORD_COLUMN, n="rows")
    words = words.filter(pl.col("n") >= FEWEST_ROWS, pl.col("n") < rows.height)
    pairs = counted.drop_nulls(_LABEL).join(words, on=_WORD_COLUMN).join(of_label, on=_LABEL)
    return _judged(pairs, rows.height, words.height * of_label.height), rows.height


def _affordable(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the first rows, so many that their Chinese is not more than can be cut into words in a second."""
    han = rows["text"].str.count_matches(_HAN).cum_sum()
    return rows.filter(han - han.diff().fill_null(han.head(1)) < HAN_CHARACTERS)


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    """Return how many rows have each word, by label; those with a null label count rows, whatever their labels."""
    parts = []
    for some in rows.iter_slices(_SLICE):
        cut = some.with_columns(_words(some["text"]).alias(_WORD_COLUMN)).drop("text")
        each = cut.explode(_WORD_COLUMN).filter(pl.col(_WORD_COLUMN).str.len_chars() <= _LONGEST)
        every = each.select(_WORD_COLUMN, pl.lit(None, pl.String).alias(_LABEL))
        pairs = each.explode(_LABEL).drop_nulls(_LABEL).select(_WORD_COLUMN, _LABEL)
        parts.append(pl.concat([every, pairs]).group_by(_WORD_COLUMN, _LABEL).len("rows"))
        if len(parts) > 8:
            parts = [_together(parts)]
    return _together(parts)


def _together(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    schema = {_WORD_COLUMN: pl.String, _LABEL: pl.String, "rows": pl.UInt32}
    return pl.concat([pl.DataFrame(schema=schema), *parts]).group_by(_WORD_COLUMN, _LABEL).agg(pl.col("rows").sum())


def _words(texts: pl.Series) -> pl.Series:
    """Return the different words and marks of each text, in lower case; of Chinese ones, jieba's words."""
    lowered = texts.str.to_lowercase()
    found = lowered.str.extract_all(_WORD).list.unique(maintain_order=True)
    chinese = lowered.str.contains(_HAN)
    if not chinese.any():
        return found
    cut = [
        list(dict.fromkeys(_segmented(text))) if is_chinese else None
        for text, is_chinese in zip(lowered.to_list(), chinese.to_list())
    ]
    return pl.select(pl.coalesce(pl.Series(cut, dtype=pl.List(pl.String)), found)).to_series()


def _segmented(text: str) -> Iterator[str]:
    return (word for word in map(str.strip, segmenter().cut(text)) if word)


def _judged(pairs: pl.DataFrame, num_rows: int, num_tests: int) -> pl.DataFrame:
    from scipy.special import bdtrc

    n, hits, of_label = pl.col("n"), pl.col("rows").cast(pl.Int64), pl.col("rows_of_label")
    share = of_label / num_rows
    expected = n.cast(pl.Float64) * share
    spread = (expected * (1 - share)).sqrt()
    of_phi = (n.cast(pl.Float64) * (num_rows - n) * of_label * (num_rows - of_label)).sqrt()
    phi = (hits.cast(pl.Float64) * num_rows - n.cast(pl.Float64) * of_label) / of_phi
    found = pairs.filter(of_label < num_rows).select(
        _WORD_COLUMN, _LABEL, n.cast(pl.Int64), hits=hits, share=share, z=(hits - expected) / spread, phi=phi
    )
    found = found.filter(pl.col("z") > 0)
    p = bdtrc(found["hits"].to_numpy() - 1, found["n"].to_numpy(), found["share"].to_numpy())
    found = found.with_columns(pl.Series("p", np.minimum(1.0, p * num_tests), dtype=pl.Float64), _kind().alias("kind"))
    return found.sort("z", _WORD_COLUMN, _LABEL, descending=[True, False, False])


def _kind() -> pl.Expr:
    word = pl.col(_WORD_COLUMN)
    stops = sorted(stop_words("en") | stop_words("zh"))
    return (
        pl.when(word.str.replace_all("’", "'").is_in(stops))
        .then(pl.lit(FUNCTION))
        .when(word.str.contains(r"^[\p{N}.,:%]*\p{N}[\p{N}.,:%]*$"))
        .then(pl.lit(NUMBER))
        .when(~word.str.contains(r"[\p{L}\p{N}]"))
        .then(pl.lit(MARK))
        .otherwise(pl.lit(CONTENT))
    )
