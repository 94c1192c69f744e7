"""What vectors say of the data: how many meanings the texts have, and whether train covers the other splits.

Shape suffixes: N rows, D embedding width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.ledger import source_of
from oreline.data.reporting.diversity import some_rows
from oreline.report.report import Table
from oreline.types import Model

_ROWS = 500
"""Texts of a split that are embedded."""
_FEWEST = 50
"""Rows of a source from which it has a line of its own."""
_MAX_SOURCES = 20
_NEIGHBOURS = 5

Vectors = NDArray[np.float64]


def vendi_score(vectors_ND: Vectors) -> float:
    """Return the effective number of different rows: exp(−Σ λᵢ log λᵢ), λ the eigenvalues of the cosines over N.

    1 where all rows are the same, N where each stands at a right angle to all others (Friedman and Dieng, The Vendi
    Score, TMLR 2023).

    >>> vendi_score(np.array([[1.0, 0.0], [0.0, 1.0]])), round(vendi_score(np.array([[1.0, 0.0], [1.0, 0.0]])), 6)
    (2.0, 1.0)
    """
    small = vectors_ND if vectors_ND.shape[0] <= vectors_ND.shape[1] else vectors_ND.T  # the same eigenvalues
    values = np.linalg.eigvalsh(small @ small.T / len(vectors_ND))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


def coverage(judged_ND: Vectors, by_ND: Vectors, neighbours: int = _NEIGHBOURS) -> float:
    """Return the share of rows that have one of the others nearer than their own k-th nearest neighbour.

    Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, ICML 2020, equation 6.

    >>> coverage(np.eye(3), np.eye(3)[:1], neighbours=1)
    0.3333333333333333
    """
    own = judged_ND @ judged_ND.T
    np.fill_diagonal(own, -np.inf)
    radius_N = np.sort(own, axis=1)[:, -neighbours]
    nearest_N = (judged_ND @ by_ND.T).max(axis=1)
    return float((nearest_N > radius_N).mean())


def coverage_of_alike(num_judged: int, num_by: int, neighbours: int = _NEIGHBOURS) -> float:
    """Return the coverage that is expected where both are drawn from the same texts.

    1 − (N−1)…(N−k) / ((M+N−1)…(M+N−k)), N judged and M other rows (the same paper, section 3.2).

    >>> round(coverage_of_alike(500, 500), 3)
    0.969
    """
    return 1 - math.prod((num_judged - i) / (num_by + num_judged - i) for i in range(1, neighbours + 1))


def embedded_tables(folder: Path, splits: Sequence[str], model: Model, encoder: str) -> list[Table]:
    """Return tables on some rows of each split: different meanings, and what train covers; none without text.

    Args:
        folder: the dataset.
        splits: those that have rows.
        model: makes the vectors.
        encoder: its name.
    """
    samples = {split: some_rows(folder / split / "00000.parquet", _ROWS) for split in splits}
    rows = {split: sample for split, sample in samples.items() if sample is not None and sample.height}
    vectors = {split: _unit(model.embed(sample["text"].to_list())) for split, sample in rows.items()}
    if not vectors:
        return []
    groups = {f"split {split}": found for split, found in vectors.items()}
    groups |= _by_source(pl.concat([sample.select("row_id") for sample in rows.values()]), list(vectors.values()))
    lines = [
        [name, len(found), vendi_score(found), vendi_score(found) / len(found), _mean_cosine(found)]
        for name, found in groups.items()
        if len(found) > 1
    ]
    columns = ["rows of", "looked at", "different meanings", "share", "mean cosine"]
    note = (
        f"By the vectors of {encoder}. Different meanings: the Vendi score, 1 where all are alike, as many as rows "
        "where all differ; it grows with the rows looked at."
    )
    return [Table("Variety of the meanings", columns, lines, note), *_covered(vectors, encoder)]


def _covered(vectors: dict[str, Vectors], encoder: str) -> list[Table]:
    if "train" not in vectors:
        return []
    lines = []
    for split, found in vectors.items():
        if split == "train" or len(found) <= _NEIGHBOURS:
            continue
        by = vectors["train"][: len(found)]
        lines.append([split, len(found), coverage(found, by), coverage_of_alike(len(found), len(by))])
    note = (
        f"Share of a split's rows that have a row of as many of train nearer than their own neighbour number "
        f"{_NEIGHBOURS}, by {encoder}. Expected: where both are drawn alike; far below it, the split holds what train "
        "lacks."
    )
    columns = ["split", "rows", "covered by train", "expected"]
    return [Table("Covered by train", columns, lines, note)] if lines else []


def _by_source(row_ids: pl.DataFrame, vectors: Sequence[Vectors]) -> dict[str, Vectors]:
    """Return the vectors of each source, where there are several."""
    sources = row_ids.select(source_of()).to_series()
    counts = sources.value_counts(sort=True)
    if counts.height < 2:
        return {}
    every_ND = np.concatenate(vectors)
    shown = [str(name) for name, rows in counts.iter_rows() if rows >= _FEWEST][:_MAX_SOURCES]
    return {f"source {name}": every_ND[(sources == name).to_numpy()] for name in shown}


def _unit(vectors_ND: NDArray[np.float32]) -> Vectors:
    lengths_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    return np.asarray(vectors_ND / np.maximum(lengths_N1, 1e-12), np.float64)


def _mean_cosine(vectors_ND: Vectors) -> float:
    """Return the mean cosine of two different rows."""
    num_rows = len(vectors_ND)
    return float((np.square(vectors_ND.sum(axis=0)).sum() - num_rows) / (num_rows * (num_rows - 1)))
