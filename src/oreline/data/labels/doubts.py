"""What was found of rows whose labels were judged, however many: beyond a bound it lies on disk, looked up by row.

Shape suffixes: P some rows, K classes, F found rows.
"""

from __future__ import annotations

import heapq
from collections import Counter
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.external.keys import Keys
from oreline.data.external.runs import counted
from oreline.data.external.sorting import I64, U64, Sorted, coded, decoded
from oreline.data.external.spool import Spool
from oreline.data.external.table import Bits
from oreline.data.external.texts import Texts
from oreline.data.labels.confident import class_weights, lacking, staying
from oreline.data.labels.judging import Verdicts
from oreline.data.labels.review import note, shortened, shown_texts

FOUND = {"suggested": pl.String, "confidence": pl.Float64, "note": pl.String, "spared": pl.Boolean}
"""Columns of what is known of a row; null where nothing was found."""
_MAX_BYTES = 16 << 20
"""Of each of the things that grow with the rows."""
_BLOCK = 1024
_SUREST = 0.9999
"""No suggestion is certain."""
_EXAMPLES, _PAIRS = 10, 30
"""Rows, and labels that are taken for others, that a report shows."""


class Doubts:
    """Takes what was said of portions of rows, and tells what is known of rows by their ids.

    Memory: 120 MB, and 50 bytes for each row that would have left a class of which `share` keeps some.

    Args:
        leaves_from: probability of a suggestion from which on rows leave their class; None where they stay.
        share: see `confident.lacking`.
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
        self._pairs = Sorted(max_bytes=_MAX_BYTES)
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
        self._stays.set(places_F[staying(given_F, quality_F, lacks_K)])

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
            "pairs": self._commonest_pairs(),
            "spared": dict(stayed),
            "examples": [example for _, example in self._examples],
        }

    def _commonest_pairs(self) -> list[list[Any]]:
        """Return the labels that are most often taken for others: given, suggested, rows."""
        names, found = list(self._codes), list[list[Any]]()
        for codes, rows in counted(self._pairs.blocks()):
            given, suggested = decoded(codes)
            most = np.argsort(-rows, kind="stable")[:_PAIRS]
            found += [
                [names[one], names[other], number]
                for one, other, number in zip(given[most].tolist(), suggested[most].tolist(), rows[most].tolist())
            ]
            found = heapq.nlargest(_PAIRS, found, key=lambda pair: pair[-1])
        return found

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
        given_P, other_P = (self._codes_of(labels) for labels in (given, suggested))
        self._given.append(given_P)
        self._pairs.append(coded(given_P, other_P))
        leaves_P = np.zeros(len(given), np.bool_) if self._leaves_from is None else confidence_P >= self._leaves_from
        self._leaves.append(leaves_P)
        worst = rows.head(_EXAMPLES)
        shown = [shortened(text) for text in shown_texts(worst)]
        lines = zip(worst["row_id"].to_list(), shown, given, suggested, confidence_P.tolist())
        self._examples += [(float(quality), list(line)) for quality, line in zip(quality_P, lines)]
        self._examples = sorted(self._examples, key=lambda example: example[0])[:_EXAMPLES]

    def _codes_of(self, labels: list[str]) -> I64:
        """Return numbers of labels, from 0 on in the order in which they first came."""
        return np.array([self._codes.setdefault(label, len(self._codes)) for label in labels], np.int64)

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
