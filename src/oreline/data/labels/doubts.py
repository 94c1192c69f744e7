"""What was found of rows whose labels were judged, however many: beyond a bound it lies on disk, looked up by row.

Shape suffixes: P some rows, K classes, F found rows.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.external.keys import Keys
from oreline.data.external.sorting import I64, U64
from oreline.data.external.spool import Spool
from oreline.data.external.table import Bits
from oreline.data.external.texts import Texts
from oreline.data.labels.confident import class_weights, lacking, spared
from oreline.data.labels.judging import Verdicts
from oreline.data.labels.review import note, shortened, shown_texts

FOUND = {"suggested": pl.String, "confidence": pl.Float64, "note": pl.String, "spared": pl.Boolean}
"""Columns of what is known of a row; null where nothing was found."""
_MAX_BYTES = 16 << 20
"""Of each of the things that grow with the rows."""
_BLOCK = 1024
_SUREST = 0.9999
"""No suggestion is certain."""
_EXAMPLES = 10


class Doubts:
    """Takes what was said of portions of rows, and tells what is known of rows by their ids.

    Memory: 100 MB, and 30 bytes for each row of a class that `share` protects that would have left it.

    Args:
        leaves_from: probability of a suggestion from which on rows leave their class; None where they stay.
        share: see `confident.spared`.
        weighs: whether weights are worked out.
    """

    def __init__(self, *, leaves_from: float | None, share: float, weighs: bool) -> None:
        self._leaves_from, self._share, self._weighs = leaves_from, share, weighs
        self._suggested, self._notes = Texts(max_bytes=_MAX_BYTES), Texts(max_bytes=_MAX_BYTES)
        self._confidence, self._quality = (Spool(np.float64, max_bytes=_MAX_BYTES // 4) for _ in range(2))
        self._given = Spool(np.uint32, max_bytes=_MAX_BYTES // 8)
        self._leaves = Spool(np.bool_, max_bytes=_MAX_BYTES // 8)
        self._found, self._weighed = (Spool(np.uint64, max_bytes=_MAX_BYTES // 4) for _ in range(2))
        self._weights = Spool(np.float64, max_bytes=_MAX_BYTES // 4)
        self._found_at = self._weighed_at = Keys(self._found, max_bytes=_MAX_BYTES)
        self._stays = Bits(0)
        self._codes: dict[str, int] = {}
        self._sizes: Counter[str] = Counter()
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._examples: list[tuple[float, list[Any]]] = []

    def take(self, verdicts: Verdicts) -> None:
        """Take what was said of one portion."""
        given = verdicts.rows["label"]
        self._sizes.update(dict(given.value_counts().iter_rows()))
        for start in range(0, len(verdicts.found.rows), _BLOCK):
            self._take_found(verdicts, slice(start, start + _BLOCK))
        if self._weighs:
            rows_N = np.arange(given.len())
            self._weighed.append(_keys(verdicts.rows["row_id"]))
            own_N = verdicts.scores_NK[rows_N, verdicts.codes_N]
            self._weights.append(class_weights(verdicts.codes_N, own_N).round(4))

    def end(self) -> None:
        """Decide which rows stay with their class; nothing is taken any more."""
        self._found_at = Keys(self._found, max_bytes=_MAX_BYTES)
        self._weighed_at = Keys(self._weighed, max_bytes=_MAX_BYTES)
        self._stays = Bits(len(self._found))
        sizes_K = np.array([self._sizes[label] for label in self._codes], np.int64)
        leaving_K = np.zeros(len(sizes_K), np.int64)
        for given_P, leaves_P in zip(self._given.blocks(), self._leaves.blocks()):
            leaving_K += np.bincount(given_P[leaves_P], minlength=len(sizes_K))
        lacks_K = lacking(sizes_K, leaving_K, self._share)
        if not lacks_K.any():
            return
        places_F, given_F, quality_F = self._leaving(lacks_K > 0)
        order_F = np.argsort(quality_F, kind="stable")
        stays_F = spared(sizes_K, given_F[order_F], np.ones(len(order_F), np.bool_), self._share)
        self._stays.set(places_F[order_F[stays_F]])

    def of(self, row_ids: pl.Series) -> pl.DataFrame:
        """Return what is known of rows, in the columns `FOUND`."""
        places_P = self._found_at.places(_keys(row_ids))
        at = np.flatnonzero(places_P >= 0)
        places = places_P[at]
        values = {
            "suggested": self._suggested.at(places),
            "confidence": pl.Series(self._confidence.at(places)),
            "note": self._notes.at(places),
            "spared": pl.Series(self._stays.at(places)),
        }
        return pl.DataFrame(
            pl.repeat(None, len(row_ids), dtype=dtype, eager=True).scatter(at, values[name]).alias(name)
            for name, dtype in FOUND.items()
        )

    def weights(self, row_ids: pl.Series) -> pl.Series:
        """Return what rows count, by how far their labels are believed; null where they were not judged."""
        places_P = self._weighed_at.places(_keys(row_ids))
        weights_P = np.full(len(places_P), np.nan)
        weights_P[places_P >= 0] = self._weights.at(places_P[places_P >= 0])
        return pl.Series(weights_P).fill_nan(None)

    def told(self) -> dict[str, Any]:
        """Return what a report says of all rows, JSON-ready."""
        names = list(self._codes)
        stayed: Counter[str] = Counter()
        begin = 0
        for given_P in self._given.blocks():
            stays_P = self._stays.at(np.arange(begin, begin + len(given_P)))
            stayed.update(names[code] for code in given_P[stays_P].tolist())
            begin += len(given_P)
        return {
            "judged": self._sizes.total(),
            "found": len(self._found),
            "pairs": [[*pair, rows] for pair, rows in self._pairs.most_common()],
            "spared": dict(stayed),
            "examples": [example for _, example in self._examples],
        }

    def _take_found(self, verdicts: Verdicts, some: slice) -> None:
        rows_P, suggested_P, confidence_P, quality_P = (part[some] for part in verdicts.found)
        names, rows = verdicts.labels.to_list(), verdicts.rows[rows_P]
        suggested = [names[code] for code in suggested_P]
        confidence_P = np.minimum(confidence_P, _SUREST).round(4)
        notes = [
            note(quality, {"suggested": label, "confidence": sure, "neighbours": verdicts.neighbours(number)})
            for number, quality, label, sure in zip(
                range(len(verdicts.found.rows))[some], quality_P.tolist(), suggested, confidence_P.tolist()
            )
        ]
        given = rows["label"].to_list()
        self._found.append(_keys(rows["row_id"]))
        self._suggested.append(pl.Series(suggested, dtype=pl.String))
        self._notes.append(pl.Series(notes, dtype=pl.String))
        self._confidence.append(confidence_P)
        self._quality.append(quality_P)
        self._given.append(np.array([self._codes.setdefault(label, len(self._codes)) for label in given]))
        leaves_P = np.zeros(len(given), np.bool_) if self._leaves_from is None else confidence_P >= self._leaves_from
        self._leaves.append(leaves_P)
        self._pairs.update(zip(given, suggested))
        worst = rows.head(_EXAMPLES)
        shown = [shortened(text) for text in shown_texts(worst)]
        lines = zip(worst["row_id"].to_list(), shown, given, suggested, confidence_P.tolist())
        self._examples += [(float(quality), list(line)) for quality, line in zip(quality_P, lines)]
        self._examples = sorted(self._examples, key=lambda example: example[0])[:_EXAMPLES]

    def _leaving(self, lacks_K: NDArray[np.bool_]) -> tuple[I64, I64, NDArray[np.float64]]:
        """Return the rows that would leave some classes: their places, classes and how well supported they are."""
        found, begin = [], 0
        for given_P, leaves_P, quality_P in zip(self._given.blocks(), self._leaves.blocks(), self._quality.blocks()):
            at = np.flatnonzero(leaves_P & lacks_K[given_P])
            found.append((at + begin, given_P[at].astype(np.int64), quality_P[at]))
            begin += len(given_P)
        places_F, given_F, quality_F = (np.concatenate(parts) for parts in zip(*found))
        return places_F, given_F, quality_F


def _keys(row_ids: pl.Series) -> U64:
    """Return numbers by which rows are told apart, of use in this process only."""
    return row_ids.hash().to_numpy()
