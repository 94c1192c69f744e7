"""What `refine` has to heed where labels are decided while it runs: by rules, by a review, by a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.dataset import UNLABELLED, UNSPLIT
from oreline.data.labels.reviewed import Review
from oreline.errors import UsageError
from oreline.types import Operator

Named = tuple[str, Operator]


def with_review(operators: Sequence[Named], review: Review | None) -> list[Named]:
    """Return the operators with those of a review before the first that judges labels, at the end where none does."""
    if review is None:
        return list(operators)
    judges = [number for number, (_, operator) in enumerate(operators) if hasattr(operator, "spares_test")]
    place = judges[0] if judges else len(operators)
    return [*operators[:place], *review.operators(), *operators[place:]]


def refuse_changed_test(operators: Sequence[Named], parts: Mapping[str, object], split: Mapping[str, float]) -> None:
    """Raise `UsageError` where labels of rows that become the test split would be changed by what a model says."""
    changing = [name for name, operator in operators if getattr(operator, "spares_test", False)]
    carved = "test" in split and "test" not in parts and bool({"train", UNSPLIT} & set(parts))
    if changing and carved:
        raise UsageError(
            f"{changing[0]} changes labels, weights or rows before the test split is drawn: "
            "figures on it would be measured against what a model said",
            allowed="given splits (train=FILE test=FILE), or data that are not split (split: {})",
            remedy="refine once without it, and then the dataset with it: its test rows are left as they are",
        )


def has_label(frame: pl.DataFrame) -> NDArray[np.bool_]:
    """Return which rows have a label, (N,); where there are no labels at all, rows need none."""
    if "label" not in frame.columns:
        return np.ones(frame.height, np.bool_)
    return frame["label"].is_not_null().to_numpy()


def by_split(
    frame: pl.DataFrame, part: str, splits: Sequence[str], places_N: NDArray[np.int64]
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the splits that a part's rows go to, with their rows.

    A row that is left without a label goes to `unlabelled`; one of `unlabelled` that was given a label goes to `train`.

    Args:
        frame: rows of one part.
        part: its name.
        splits: the splits that the part is divided into.
        places_N: the place of each row's among them.
    """
    is_labelled_N = has_label(frame) if part != UNLABELLED or "label" in frame.columns else np.zeros(frame.height, bool)
    if part == UNLABELLED:
        wanted = [("train", is_labelled_N)]
    else:
        wanted = [(name, is_labelled_N & (places_N == place)) for place, name in enumerate(splits)]
    for name, rows_N in [*wanted, (UNLABELLED, ~is_labelled_N)]:
        if rows_N.all() and frame.height:
            yield name, frame
        elif rows_N.any():
            yield name, frame.filter(pl.Series(rows_N))
