"""Which of several rows that say the same stays, and which clusters are left alone.

Shape suffixes: N rows, D rows to drop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.duplicates.tokens import I64
from oreline.data.fold import rows_at
from oreline.errors import UsageError

Keep = Literal["longest", "first", "newest", "highest"]
TARGETS = ("label", "tags", "answers", "target_text")
DROPS = {"row_id": pl.String, "reason": pl.String, "kept_id": pl.String, "similarity": pl.Float64}
"""Columns of the rows to drop."""
MAX_EXAMPLES = 8
_SHOWN_CHARACTERS = 80
_ROUNDS = 32
"""Times that a component is divided again; rows that are left then stay."""


class Divided(NamedTuple):
    """Which rows go, ascending, for which, and how similar the two are."""

    dropped_D: I64
    kept_D: I64
    similarity_D: NDArray[np.float64]
    num_unmerged: int
    """Rows of long chains that stay although they are near to some row."""


def ranks(scan: pl.LazyFrame, keep: Keep, column: str, lengths_N: I64, *, operator: str) -> NDArray[np.generic]:
    """Return a number for each row; the lower, the better the row is.

    Raises `UsageError` where the rows lack the column that decides.
    """
    if keep == "first":
        return np.zeros(len(lengths_N), np.int64)
    if keep == "longest":
        return -lengths_N
    names = scan.collect_schema().names()
    wanted = "time" if keep == "newest" else column
    if wanted not in names:
        raise UsageError(
            f"{operator}: keep is {keep}, and the rows have no column {wanted!r}",
            allowed=", ".join(name for name in names if name != "row_id"),
            remedy="name the column by its role (--time COLUMN), or choose another `keep`",
        )
    values = scan.select(pl.col(wanted).to_physical().cast(pl.Float64, strict=False)).collect(engine="streaming")
    return -values.to_series().fill_nan(None).fill_null(-np.inf).to_numpy()


def places(rank_N: NDArray[np.generic]) -> I64:
    """Return the place of each row in the order of preference; of equal ranks the first row comes first."""
    place_N = np.empty(len(rank_N), np.int64)
    place_N[np.argsort(rank_N, kind="stable")] = np.arange(len(rank_N))
    return place_N


def divided(
    component_N: I64, first_N: I64, place_N: I64, similarity: Callable[[I64, I64], NDArray[np.float64]], least: float
) -> Divided:
    """Divide components: the best row of each stays, those go that are like it; the others are divided again.

    Args:
        component_N: a number for each row; rows of one number are connected.
        first_N: the first row with the same text as each, for rows that are equal outright.
        place_N: the place of each row in the order of preference.
        similarity: of pairs of rows.
        least: similarity to the row that stays from which on a row goes.
    """
    best_N = best(first_N, place_N)
    equal = np.flatnonzero(best_N != np.arange(len(best_N)))
    sizes_N = np.bincount(component_N, minlength=len(component_N))
    waiting = np.unique(best_N[np.flatnonzero(sizes_N[component_N] > 1)])
    to_N, like_N = np.arange(len(best_N)), np.ones(len(best_N))
    for _ in range(_ROUNDS):
        if not len(waiting):
            break
        stays = waiting[best(component_N[waiting], place_N[waiting])]
        found = similarity(waiting, stays)
        goes = (found >= least) & (stays != waiting)
        to_N[waiting[goes]], like_N[waiting[goes]] = stays[goes], found[goes]
        waiting = waiting[~goes & (stays != waiting)]
    # A row whose text equals that of a row that goes gives way to the same one.
    to_N[equal], like_N[equal] = to_N[best_N[equal]], like_N[best_N[equal]]
    dropped = np.flatnonzero(to_N != np.arange(len(to_N)))
    return Divided(dropped, to_N[dropped], like_N[dropped], len(waiting))


def first_of_equal(digest_N: NDArray[np.uint64]) -> I64:
    """Return the first row with the same tokens as each row; a row without tokens is alone."""
    _, first, inverse = np.unique(digest_N, return_index=True, return_inverse=True)
    return np.where(digest_N > 0, first[inverse], np.arange(len(digest_N)))


def best(group_N: I64, place_N: I64) -> I64:
    """Return, for each row, the number of the row of its group that comes first in the order of preference.

    >>> best(np.array([7, 8, 7]), np.array([2, 0, 1])).tolist()
    [2, 1, 2]
    """
    order = np.lexsort([place_N, group_N])
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = group_N[order][1:] != group_N[order][:-1]
    best_N = np.empty(len(order), np.int64)
    best_N[order] = order[is_first][np.cumsum(is_first) - 1]
    return best_N


def as_drops(found: Divided) -> pl.DataFrame:
    """Return rows that go as `position`, `kept` and `similarity`."""
    columns = {"position": found.dropped_D, "kept": found.kept_D, "similarity": found.similarity_D}
    return pl.DataFrame(columns, schema={"position": pl.UInt32, "kept": pl.UInt32, "similarity": pl.Float64})


def examples(drops: pl.DataFrame, scan: pl.LazyFrame) -> list[list[str | float]]:
    """Return some rows that go beside those that stay, from the least similar on: ids, similarity, beginnings of texts.

    Args:
        drops: as `agreed` returns them.
        scan: all rows.
    """
    shown = drops.filter(pl.col("similarity") < 1).sort("similarity", "position")
    shown = shown.gather_every(max(shown.height // MAX_EXAMPLES, 1)).head(MAX_EXAMPLES)
    if shown.is_empty():
        return []
    wanted = pl.concat([shown["position"], shown["kept"]]).unique().sort()
    rows = rows_at(scan.select("row_id", pl.col("text").str.head(_SHOWN_CHARACTERS)), wanted.to_numpy())
    found = dict(zip(wanted.to_list(), rows.iter_rows()))
    return [
        [found[one][0], found[other][0], round(similarity, 3), found[one][1], found[other][1]]
        for one, other, similarity in shown.iter_rows()
    ]


def agreed(drops: pl.DataFrame, scan: pl.LazyFrame) -> pl.DataFrame:
    """Leave out the clusters whose rows differ in a label, tags, answers or a target text.

    To merge them would decide which is right.
    """
    targets: Sequence[str] = [role for role in TARGETS if role in scan.collect_schema().names()]
    if not targets or drops.is_empty():
        return drops
    wanted = pl.concat([drops["position"], drops["kept"]]).unique().sort()
    found = rows_at(scan.select(pl.struct(targets).hash().alias("target")), wanted.to_numpy()).with_columns(wanted)
    own = drops.join(found, on="position", how="left", maintain_order="left")
    kept = found.rename({"position": "kept", "target": "wanted"})
    both = own.join(kept, on="kept", how="left", maintain_order="left")
    return both.filter((pl.col("target") == pl.col("wanted")).all().over("kept")).select(drops.columns)
