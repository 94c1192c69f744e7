"""Judge the labels of a portion of rows, all of which are held together.

Shape suffixes: N rows, K classes, F found rows, J neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.fold import INPUT_ROLES, wide_hashes
from oreline.data.labels.confident import (
    FilterBy,
    Found,
    Probabilities,
    RankBy,
    find_errors,
    folds_of,
    judged,
    out_of_fold,
)
from oreline.data.labels.features import Codes, Embedder, dense, nearest, row_features
from oreline.data.labels.review import shortened, shown_texts


class Verdicts(NamedTuple):
    """What was said of the rows of a portion."""

    rows: pl.DataFrame
    """Those that were judged: of classes with as many rows as there are folds."""
    labels: pl.Series
    """The classes, sorted, (K,)."""
    codes_N: Codes
    scores_NK: Probabilities
    found: Found
    near_FJ: Codes
    """Nearest other rows of each found one, -1 where there are fewer."""
    similarity_FJ: NDArray[np.float32]

    def neighbours(self, number: int) -> list[dict[str, Any]]:
        """Return the neighbours of one found row as a reviewer sees them."""
        shown = []
        for row, similarity in zip(self.near_FJ[number].tolist(), self.similarity_FJ[number].tolist()):
            if row >= 0:
                other = self.rows[row]
                told = {"row_id": other["row_id"][0], "label": other["label"][0], "similarity": round(similarity, 3)}
                shown.append({**told, "text": shortened(shown_texts(other)[0])})
        return shown


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges labels; see the operator `flag_label_errors` for what the fields mean."""

    encoder: Embedder | None
    folds: int
    filter_by: FilterBy
    rank_by: RankBy
    num_neighbours: int
    agree: bool
    seed: int

    def verdicts(self, rows: pl.DataFrame) -> Verdicts | None:
        """Judge rows with `row_id`, texts, `label` and perhaps `group`; None where fewer than two classes can be."""
        common = rows.filter(pl.len().over("label") >= self.folds)
        labels = common["label"].unique().sort()
        if len(labels) < 2:
            return None
        codes_N = common["label"].replace_strict(labels, np.arange(len(labels)), return_dtype=pl.Int64).to_numpy()
        copies = wide_hashes(common, [role for role in INPUT_ROLES if role in common.columns])["hash_high"]
        keys = common.select("label", *(["group"] if "group" in common.columns else [])).with_columns(copies)
        folds_N = folds_of(keys, self.folds, self.seed)
        features = dense(row_features(shown_texts(common), self.encoder), seed=self.seed)
        judges = judged if self.filter_by == "posterior" else out_of_fold
        scores_NK = judges(features, codes_N, folds_N, len(labels))
        found = find_errors(codes_N, scores_NK, self.filter_by, self.rank_by)
        copies_N = copies.rank("dense").to_numpy().astype(np.int64)
        near_FJ, similarity_FJ = nearest(features, found.rows, copies_N, self.num_neighbours)
        if self.agree:
            agrees = _mostly_other(codes_N, found.rows, near_FJ)
            found = found.where(agrees)
            near_FJ, similarity_FJ = near_FJ[agrees], similarity_FJ[agrees]
        return Verdicts(common, labels, codes_N, scores_NK, found, near_FJ, similarity_FJ)


def _mostly_other(codes_N: Codes, rows_F: Codes, near_FJ: Codes) -> NDArray[np.bool_]:
    """Whether at most half of each row's neighbours bear its own label."""
    is_there = near_FJ >= 0
    same = (codes_N[near_FJ] == codes_N[rows_F][:, None]) & is_there
    return np.asarray(same.sum(axis=1) * 2 <= is_there.sum(axis=1))
