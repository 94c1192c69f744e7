"""Find rows whose texts mean nearly the same, by vectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.columnar import frames_of
from oreline.data.duplicates.clusters import Clusters
from oreline.data.duplicates.drops import Disagreement
from oreline.data.duplicates.equal import SPOOL_BYTES, EqualRows
from oreline.data.duplicates.near import compared, digests
from oreline.data.duplicates.survivors import ranks
from oreline.data.duplicates.tokens import I64, tokens
from oreline.data.duplicates.union import Joined
from oreline.data.duplicates.vectors import alike, cosines, hashed_words
from oreline.data.external.row_ids import RowIds
from oreline.data.external.sorting import Sorted, decoded
from oreline.data.external.spool import Spool
from oreline.data.fold import INPUT_ROLES
from oreline.data.quality.rules import Bound, Calibration
from oreline.errors import UsageError
from oreline.types import Model

_EMBEDDER = "embedder"
_LOOKED_AT = 0.8
"""Cosine from which on a calibration shows it."""


class Operator:
    """Report, or drop, rows whose vectors point nearly the same way; the best of such rows stays.

    Vectors of one direction mean texts of one meaning only as far as the model says so, so that rows are reported
    first: they stay and the ledger names them as flagged. `drop: true` drops them. Look at some in the ledger before.

    Rows are sought among those of the same neighbourhood (buckets of k-means; all pairs up to 20,000 rows), are
    connected from the threshold on, and go when they are like the row that stays or two steps away at most. Clusters
    whose rows carry different labels are left alone.

    Memory: the vectors lie on disk beyond half of the share of `--memory`, and 20,000 of them are held to be compared;
    some 24 bytes a row stay.

    Args:
        model: what makes vectors: a start model such as `catalog:minilm-l6-en`, or the folder of a trained model.
            Without one a vector counts the words (Chinese: characters) of a text and their pairs: it finds texts in
            another order, not in other words.
        threshold: cosine, above 0, at most 1.
        drop: drop the rows; otherwise they are reported and stay.
        keep: which row of a cluster stays: the `longest` (most words), the `first`, the `newest` by the role `time`, or
            the one whose `column` is `highest`.
        column: column of numbers for `keep: highest`.
    """

    memory_bytes = 4 * SPOOL_BYTES

    def __init__(
        self,
        *,
        model: str | None = None,
        threshold: float = 0.95,
        drop: bool = False,
        keep: Literal["longest", "first", "newest", "highest"] = "longest",
        column: str = "weight",
    ) -> None:
        if not 0 < threshold <= 1:
            raise UsageError(f"dedup_semantic: threshold is {threshold}", allowed="above 0, at most 1")
        self.models = {_EMBEDDER: model} if model else {}
        self.reports_only = not drop
        self._threshold, self._keep, self._column = threshold, keep, column
        self._model: Model | None = None

    def bind(self, models: Mapping[str, Model]) -> None:
        """Take the model that makes vectors."""
        self._model = models[_EMBEDDER]

    def whole(self, scan: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        """Yield the rows that give way, in order, the row that each gives way to, and their cosine."""
        inputs = [role for role in INPUT_ROLES if role in scan.collect_schema().names()]
        share = self.memory_bytes // 16
        spool: Spool | None = None
        lengths, equal = Spool(np.int64, max_bytes=share), EqualRows(1, max_bytes=share)
        for frame in frames_of(scan.select(inputs), 2048) if inputs else ():
            texts = compared(frame, inputs)
            words = tokens(texts)
            vectors = self._vectors(texts, words.counts_N > 0)
            spool = spool or Spool(np.float32, width=vectors.shape[1], max_bytes=self.memory_bytes // 2)
            spool.append(vectors)
            lengths.append(words.counts_N)
            digest_N = digests(words)
            equal.add(digest_N, is_alone_N=digest_N == 0)
        if spool is None:
            return
        groups = equal.groups()
        joined = Joined(equal.num_rows, max_bytes=2 * share)
        joined.connect(groups)
        read = spool.at
        for first_P, second_P in alike(read, self._threshold, rows=_distinct(equal.num_rows, groups)):
            joined.connect_pairs(first_P, second_P)
        rank = ranks(scan, self._keep, self._column, lengths, operator="dedup_semantic", max_bytes=share)

        def similarity(first_P: I64, second_P: I64) -> NDArray[np.float64]:
            return cosines(read, first_P, second_P)

        least = max(2 * self._threshold**2 - 1, 0.5)  # the cosine of twice the angle: two steps away
        drops = Clusters(joined, groups, max_bytes=2 * share).divided(rank, similarity, least).drops
        differ, ids = Disagreement(drops, scan, max_bytes=share), RowIds(scan, max_bytes=share)
        for goes in drops.blocks():
            yield goes.where(~differ.among(goes)).named(ids, reason="same_meaning", similarity=similarity)

    def calibration(self, frame: pl.DataFrame) -> Calibration:
        """Return the cosine of each row and the one before it that is most alike, from 0.8 on, with the threshold."""
        texts = compared(frame, [role for role in INPUT_ROLES if role in frame.columns])
        vectors_ND = self._vectors(texts, tokens(texts).counts_N > 0)
        most_N = np.full(frame.height, -np.inf)

        def read(rows: I64) -> NDArray[np.float32]:
            return vectors_ND[rows]

        for first_P, second_P in alike(read, min(_LOOKED_AT, self._threshold), rows=np.arange(frame.height)):
            np.maximum.at(most_N, second_P, cosines(read, first_P, second_P))
        values = pl.Series("cosine", np.where(np.isfinite(most_N), most_N, np.nan)).fill_nan(None)
        every = pl.Series("language", ["all"], dtype=pl.String).new_from_index(0, frame.height)
        return Calibration(values.to_frame(), every, {"all": (Bound("threshold", "cosine", "high", self._threshold),)})

    def _vectors(self, texts: pl.Series, has_words_N: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return vectors of length 1; of a text without words, zeros, which are like nothing."""
        vectors = hashed_words(texts) if self._model is None else self._model.embed(texts.to_list())
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        lengths[~has_words_N] = np.inf
        unit: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
        return unit


def _distinct(num_rows: int, equal: Sorted) -> I64:
    """Return the rows that are not equal to an earlier one."""
    is_distinct = np.ones(num_rows, np.bool_)
    for block in equal.blocks():
        first_P, row_P = decoded(block)
        is_distinct[row_P[row_P != first_P]] = False
    return np.flatnonzero(is_distinct)
