"""Whether a new text still bears its label: naive Bayes over hashed n-grams, without the row that the text comes from.

A variant shares nearly all n-grams with its original, so a classifier that was trained on that row would believe any
label of it. Naive Bayes is a table of sums, from which one row can be taken out again: every variant is judged by a
model that never saw its original, at the cost of a subtraction (McCallum and Nigam 1998; lengths as in Rennie et al.
2003, "Tackling the poor assumptions of naive Bayes"). Its probabilities are too extreme, so the scores are divided by
a temperature, chosen with the smoothing so that the rows themselves, each without itself, are predicted best. Where
nothing can be told from the n-grams, that temperature makes all classes alike, and nothing is refused.

Shape suffixes: N rows, K classes, F features, P features of all texts together.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oreline.data.quality.classifier import FEATURE_BITS, features

MAX_CLASSES = 1000
_MAX_CELLS = 1 << 24
"""Classes times features: 64 MB of sums."""
_FEWEST_BITS = 12
_SPACE = 2
"""Cells for each feature of a text, so that few share one."""
_SMOOTHINGS = (1.0, 0.1, 0.01)
_TEMPERATURES = tuple(float(2.0**power) for power in range(-4, 9))
_MAX_TUNED = 5000
"""Rows by which smoothing and temperature are chosen."""

Sums = NDArray[np.float64]


class Found(NamedTuple):
    """Texts as features: feature `cells_P` with `values_P` in the text `rows_P`."""

    rows_P: NDArray[np.int64]
    cells_P: NDArray[np.int64]
    values_P: NDArray[np.float64]


class Table(NamedTuple):
    """Sums of the values of each feature in each class, with what follows from them."""

    sums_KF: NDArray[np.float32]
    smoothing: float
    totals_K: Sums
    logs_KF: NDArray[np.float32]
    """ln P of each feature in each class."""


class Belief:
    """What n-grams say of classes."""

    def __init__(self, labels: Sequence[str], table: Table, temperature: float) -> None:
        self.labels = tuple(labels)
        self._code = {label: code for code, label in enumerate(self.labels)}
        self._table, self._temperature = table, temperature
        self._bits = int(table.sums_KF.shape[1]).bit_length() - 1

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        packed = zlib.compress(self._table.sums_KF.astype("<f4").tobytes(), 1)
        values = {"bits": self._bits, "smoothing": self._table.smoothing, "temperature": self._temperature}
        return {"labels": list(self.labels), "sums": base64.b64encode(packed).decode(), **values}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Belief:
        """Rebuild it."""
        shape = len(told["labels"]), 1 << told["bits"]
        raw = zlib.decompressobj().decompress(base64.b64decode(told["sums"]), shape[0] * shape[1] * 4)
        sums_KF = np.frombuffer(raw, "<f4").astype(np.float32).reshape(shape)
        return cls(told["labels"], _table(sums_KF, told["smoothing"]), told["temperature"])

    def shares(self, texts: Sequence[str], labels: Sequence[str], origins: Sequence[str]) -> Sums:
        """Return how probable each text's label is against the most probable one, (N,): 1 where it is that one.

        Args:
            texts: the new texts.
            labels: the label that each shall bear.
            origins: the text of the row that each comes from, which is left out of what is known.
        """
        codes_N = np.fromiter((self._code.get(label, -1) for label in labels), np.int64, len(labels))
        logits_NK = _without(_found(texts, self._bits), codes_N, _found(origins, self._bits), self._table)
        own_N = logits_NK[np.arange(len(texts)), np.maximum(codes_N, 0)]
        shares_N = np.exp((own_N - logits_NK.max(axis=1, initial=-np.inf)) / self._temperature)
        return np.where(codes_N >= 0, shares_N, 1.0)  # of a label that was not there nothing is known


def learn(texts: Sequence[str], labels: Sequence[str]) -> Belief | None:
    """Return what the rows say of their classes; None for fewer than two classes, or too many to tell apart.

    >>> films = [f"{word} film number {number}" for number in range(9) for word in ("fine", "dull")]
    >>> belief = learn(films, ["good", "bad"] * 9)
    >>> belief.shares(["a fine film", "a dull film"], ["good", "good"], ["", ""]).round(1).tolist()
    [1.0, 0.0]
    """
    classes = sorted(set(labels))
    if not 2 <= len(classes) <= min(MAX_CLASSES, len(labels) // 2):
        return None
    code = {label: number for number, label in enumerate(classes)}
    codes_N = np.fromiter((code[label] for label in labels), np.int64, len(labels))
    found = _found(texts, FEATURE_BITS)
    enough = (_SPACE * len(found.cells_P)).bit_length()
    bits = max(_FEWEST_BITS, min(FEATURE_BITS, enough, (_MAX_CELLS // len(classes)).bit_length() - 1))
    found = found._replace(cells_P=found.cells_P >> (FEATURE_BITS - bits))
    sums_KF = np.zeros((len(classes), 1 << bits), np.float32)
    np.add.at(sums_KF, (codes_N[found.rows_P], found.cells_P), found.values_P.astype(np.float32))
    smoothing, temperature = _tuned(found, codes_N, sums_KF)
    return Belief(classes, _table(sums_KF, smoothing), temperature)


def _tuned(found: Found, codes_N: NDArray[np.int64], sums_KF: NDArray[np.float32]) -> tuple[float, float]:
    """Return smoothing and temperature by which the rows, each judged without itself, are predicted best."""
    step = -(-len(codes_N) // _MAX_TUNED)
    if step > 1:
        is_taken_P = found.rows_P % step == 0
        found = Found(found.rows_P[is_taken_P] // step, found.cells_P[is_taken_P], found.values_P[is_taken_P])
        codes_N = codes_N[::step]
    best = (np.inf, _SMOOTHINGS[0], _TEMPERATURES[-1])
    for smoothing in _SMOOTHINGS:
        logits_NK = _without(found, codes_N, found, _table(sums_KF, smoothing))
        for temperature in _TEMPERATURES:
            best = min(best, (_loss(logits_NK / temperature, codes_N), smoothing, temperature))
    return best[1], best[2]


def _table(sums_KF: NDArray[np.float32], smoothing: float) -> Table:
    totals_K = sums_KF.sum(axis=1, dtype=np.float64)
    spread_K1 = np.log(totals_K + smoothing * sums_KF.shape[1]).astype(np.float32)[:, None]
    return Table(sums_KF, smoothing, totals_K, np.log(sums_KF + np.float32(smoothing)) - spread_K1)


def _without(found: Found, codes_N: NDArray[np.int64], own: Found, table: Table) -> Sums:
    """Return ln P of each text in each class, (N, K), in its own class without the row that it comes from.

    Args:
        found: the texts.
        codes_N: each one's class; -1 for one that is none of the table's.
        own: the rows that they come from.
        table: the sums, those rows among them.
    """
    from scipy.sparse import csr_matrix

    shape = len(codes_N), table.sums_KF.shape[1]
    texts, rows = (csr_matrix((part.values_P, (part.rows_P, part.cells_P)), shape=shape) for part in (found, own))
    logits_NK = np.asarray(texts @ table.logs_KF.T, np.float64)
    cells = texts.tocoo()
    own_P = np.maximum(codes_N, 0)[cells.row]
    taken_P = np.asarray(rows[cells.row, cells.col]).ravel() if len(own_P) else np.zeros(0)
    logs_P = np.log(np.maximum(table.sums_KF[own_P, cells.col] - taken_P, 0.0) + table.smoothing)
    totals_N = table.totals_K[np.maximum(codes_N, 0)] - np.asarray(rows.sum(axis=1)).ravel()
    spread_N = np.log(np.maximum(totals_N, 0.0) + table.smoothing * shape[1])
    weights_P = cells.data * (logs_P - spread_N[cells.row])
    rows_N = np.flatnonzero(codes_N >= 0)
    logits_NK[rows_N, codes_N[rows_N]] = np.bincount(cells.row, weights=weights_P, minlength=shape[0])[rows_N]
    return logits_NK


def _loss(logits_NK: Sums, codes_N: NDArray[np.int64]) -> float:
    peaks_N1 = logits_NK.max(axis=1, keepdims=True)
    spread_N = peaks_N1[:, 0] + np.log(np.exp(logits_NK - peaks_N1).sum(axis=1))
    return float((spread_N - logits_NK[np.arange(len(codes_N)), codes_N]).mean())


def _found(texts: Sequence[str], bits: int) -> Found:
    rows_P, cells_P, values_P = features(texts)
    return Found(rows_P, cells_P >> (FEATURE_BITS - bits), values_P)
