"""The pool of a dataset: its rows without a label, of which some are to be labelled next.

Shape suffixes: N rows of the pool, K classes, D vector width.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.dataset import UNLABELLED, Dataset
from oreline.data.fold import INPUT_ROLES, wide_hashes
from oreline.data.labels.confident import fitted
from oreline.data.labels.features import Codes, Embedder, dense, row_features
from oreline.data.labels.review import row_mark, shown_texts
from oreline.data.labels.selecting import Choice
from oreline.errors import DataError

_STRENGTH = 10.0
"""Inverse penalty of the linear layer over frozen features."""
_SAMPLE_ROWS = 2000
"""Rows of the pool by which two models are compared."""
_UNSUPPORTED = ("tags", "answers", "target_text")


class Pool(NamedTuple):
    """Rows without a label, and those that have one."""

    rows: pl.DataFrame
    labelled: pl.DataFrame

    @property
    def copies(self) -> Codes:
        """Rows of the same folded text have the same number."""
        return wide_hashes(self.rows, _inputs(self.rows))["hash_high"].rank("dense").to_numpy().astype(np.int64)

    @property
    def truth(self) -> dict[str, str]:
        """The label of each row that has one."""
        return dict(self.labelled.select("row_id", "label").iter_rows())


class Seen(NamedTuple):
    """What is known of the pool's rows before they are labelled."""

    vectors_ND: NDArray[np.float32]
    scores_NK: NDArray[np.floating] | None
    """None at a cold start: nothing has two labels yet."""
    labels: list[str]
    known_LD: NDArray[np.float32]
    """Vectors of the rows that have a label."""

    def says(self, rows: Iterable[int]) -> list[str]:
        """Return the likeliest label of some rows."""
        if self.scores_NK is None:
            return []
        return [self.labels[int(self.scores_NK[row].argmax())] for row in rows]


def pool_of(data: Dataset) -> Pool:
    """Return a dataset's rows without a label whose texts no labelled row has, and its labelled rows.

    Raises `DataError` where every row has a label, or where rows have other targets than one label.
    """
    columns = data.manifest.columns
    if other := next((name for name in _UNSUPPORTED if name in columns), None):
        raise DataError(
            f"rows are selected for one label each, and these have {other}",
            where=str(data.path),
            allowed="texts without a label, or with one",
        )
    inputs = [name for name in ("row_id", *INPUT_ROLES) if name in columns]
    if UNLABELLED in data.splits:
        rows = data.frame(UNLABELLED, inputs)
        labelled = _joined(data, [name for name in data.splits if name != UNLABELLED], [*inputs, "label"])
    elif "label" not in columns:
        rows = _joined(data, data.splits, inputs)
        labelled = rows.clear().with_columns(pl.lit(None, dtype=pl.String).alias("label"))
    else:
        rows, labelled = data.frame(data.splits[0], inputs).clear(), pl.DataFrame()
    if rows.height and labelled.height:
        known = wide_hashes(labelled, _inputs(rows)).unique()
        rows = rows.hstack(wide_hashes(rows, _inputs(rows))).join(known, on=["hash_high", "hash_low"], how="anti")
        rows = rows.select(inputs)
    if not rows.height:
        raise DataError(
            "every row has a label: there is nothing to select",
            where=str(data.path),
            remedy="refine with --keep-unlabelled, so that rows without a label are kept",
        )
    return Pool(rows, labelled)


def seen_by_features(pool: Pool, encoder: Embedder | None, seed: int = 0) -> Seen:
    """Return the pool as a linear layer over frozen features sees it, fitted on the labelled rows.

    Args:
        pool: the rows.
        encoder: a bound model; character n-grams without one.
        seed: of the decomposition of n-grams.
    """
    num_rows = pool.rows.height
    vectors = dense(row_features([*shown_texts(pool.rows), *shown_texts(pool.labelled)], encoder), seed=seed)
    vectors_ND, known_LD = vectors[:num_rows], vectors[num_rows:]
    labels = sorted(pool.labelled["label"].unique()) if pool.labelled.height else []
    if len(labels) < 2:
        return Seen(vectors_ND, None, labels, known_LD)
    codes = np.array([labels.index(label) for label in pool.labelled["label"]], np.int64)
    model = fitted(known_LD, codes, _STRENGTH)
    return Seen(vectors_ND, model.predict_proba(vectors_ND), labels, known_LD)


def sample_of(pool: Pool) -> Codes:
    """Return the rows of the pool by which models of different rounds are compared: the same ones in each."""
    marked = sorted((row_mark(row_id, None), row) for row, row_id in enumerate(pool.rows["row_id"]))
    return np.array([row for _, row in marked[:_SAMPLE_ROWS]], np.int64)


def selection_lines(pool: Pool, choices: Sequence[Choice], labels: Sequence[str], seed: int) -> list[dict[str, Any]]:
    """Return the lines of a selection file, the arms mixed, so that whoever stops early has labelled of both."""
    texts = shown_texts(pool.rows[[choice.row for choice in choices]])
    ids = pool.rows["row_id"].gather([choice.row for choice in choices]).to_list()
    lines = []
    for choice, text, row_id in zip(choices, texts, ids):
        why = dict(choice.why)
        if "between" in why:
            why["between"] = [labels[code] for code in why["between"]]
        line = {"row_id": row_id, "text": text, "label": None, "arm": choice.arm, "why": why}
        lines.append({**line, "decision": "", "hash": row_mark(text, None)})
    random.Random(seed).shuffle(lines)
    return lines


def _inputs(rows: pl.DataFrame) -> list[str]:
    return [name for name in INPUT_ROLES if name in rows.columns]


def _joined(data: Dataset, splits: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
    return pl.concat([data.frame(split, list(columns)) for split in splits])
