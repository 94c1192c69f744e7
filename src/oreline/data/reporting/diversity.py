"""How varied texts are: the share of different n-grams among all, by word, in Chinese by character."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet

from oreline.data.quality.characters import mixed
from oreline.data.quality.languages import CHINESE, ENGLISH, OTHER, row_languages
from oreline.data.quality.ngram_model import units_of
from oreline.report.report import Table

NGRAMS = (1, 2, 3)
_ROWS = 1000
"""Texts of a split that are looked at."""
_GROUPS = 4
"""Row groups of a shard that they are taken from."""
MAX_UNITS = 50_000
"""Units that are counted of a language: the share falls with their number, so it is kept equal where it can be."""
_FACTOR = 0x2545F4914F6CDD1D


def distinct(texts: Sequence[str], *, words: bool) -> tuple[int, list[float]]:
    """Return the units that were counted and distinct-1, -2 and -3 (Li et al. 2016), within texts, case folded.

    >>> distinct(["a b a b"], words=True)
    (4, [0.5, 0.666..., 1.0])
    >>> distinct(["好好看"], words=False)
    (3, [0.666..., 1.0, 1.0])
    """
    hashes, docs, start = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)], 0
    for first, units in units_of([text if words else "".join(text.split()) for text in texts], 1, words=words):
        hashes.append(units.hash_U[units.real])
        docs.append(units.doc + first)
        start += len(units.real)
        if start >= MAX_UNITS:
            break
    hash_U, doc_U = np.concatenate(hashes)[:MAX_UNITS], np.concatenate(docs)[:MAX_UNITS]
    found, gram_U = [], hash_U
    for n in NGRAMS:
        if n > 1:
            gram_U = mixed(gram_U[:-1] * _FACTOR + hash_U[n - 1 :])
        whole = doc_U[: len(gram_U)] == doc_U[n - 1 :] if len(hash_U) >= n else np.zeros(0, np.bool_)
        grams = gram_U[whole]
        found.append(len(np.unique(grams)) / len(grams) if len(grams) else 0.0)
    return len(hash_U), found


def diversity(folder: Path, splits: Sequence[str]) -> Table | None:
    """Return a table of distinct n-grams by split and language, from some rows of each split; None without text."""
    rows: list[list[object]] = []
    for split in splits:
        texts = some_rows(folder / split / "00000.parquet", _ROWS)
        if texts is None:
            return None
        languages = row_languages(texts, "text")
        for language in (ENGLISH, CHINESE, OTHER):
            some = texts.filter(languages == language)["text"].to_list()
            if some:
                words = language == ENGLISH
                num_units, shares = distinct(some, words=words)
                rows.append([split, language, "words" if words else "characters", num_units, *shares])
    columns = ["split", "language", "units", "counted", *(f"distinct-{n}" for n in NGRAMS)]
    note = f"Of up to {_ROWS:,} rows of a split; the share falls as more are counted, so compare equal numbers."
    return Table("Variety of the texts", columns, rows, note) if rows else None


def some_rows(shard: Path, num_rows: int, names: Sequence[str] = ("row_id", "text")) -> pl.DataFrame | None:
    """Return columns of rows with text spread over a shard, a row group at a time; None where there is no text.

    Args:
        shard: a Parquet file.
        num_rows: at most, and one for each row group that is looked at, at least.
        names: the columns; those that are not there are left out.
    """
    with pyarrow.parquet.ParquetFile(shard) as parquet:
        if "text" not in parquet.schema_arrow.names:
            return None
        num_groups = parquet.num_row_groups
        chosen = sorted({place * num_groups // _GROUPS for place in range(_GROUPS)}) if num_groups else []
        columns = [name for name in names if name in parquet.schema_arrow.names]
        # Not `empty_table()`, which imports pandas where it is installed.
        parts = [pl.DataFrame(pyarrow.Table.from_batches([], parquet.schema_arrow)).select(columns)]
        for group in chosen:
            texts = pl.DataFrame(parquet.read_row_group(group, columns=columns, use_threads=False)).drop_nulls("text")
            wanted = max(1, num_rows // len(chosen))
            parts.append(texts.gather_every(max(1, texts.height // wanted)).head(wanted))
    return pl.concat(parts)
