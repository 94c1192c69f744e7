"""Which texts belong together in a set of pairs, and which pairs make which step.

Everything follows from the rows, the seed and the epoch, so that a run that continues finds its place.
Shape suffixes: N pairs, T texts, B pairs of one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from oreline.data.fold import folded

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Drawn(NamedTuple):
    """The pairs of one step."""

    rows_B: NDArray[np.int64]
    negatives: NDArray[np.int64]
    """Texts that join the step as nobody's own."""


class PairRows:
    """Pairs of texts, every text once; texts that are the same but for case, width and white space count as one."""

    def __init__(self, queries: Sequence[str], targets: Sequence[Any] | NDArray[Any], *, graded: bool) -> None:
        """Take the pairs that are trained on: those that belong together, or, graded, those that have a grade.

        Args:
            queries: one a row.
            targets: what each should find (`tasks.embedding.Sought`).
            graded: whether pairs have grades.
        """
        everything = [*queries, *(text for row in targets for text in (row.text, *row.negatives))]
        self.texts = list(dict.fromkeys(everything))
        keys = pl.DataFrame({"text": self.texts}, schema={"text": pl.String}).select(folded("text"))["text"].to_list()
        first_of: dict[str, int] = {}
        number_of = {text: first_of.setdefault(key, place) for place, (text, key) in enumerate(zip(self.texts, keys))}
        kept = [row for row, target in enumerate(targets) if (target.score is not None if graded else target.fits)]
        self.query_N = np.asarray([number_of[queries[row]] for row in kept], dtype=np.int64)
        self.second_N = np.asarray([number_of[targets[row].text] for row in kept], dtype=np.int64)
        self.grades_N = np.asarray([targets[row].score for row in kept], dtype=np.float32) if graded else None
        self.relevant: dict[int, set[int]] = {}
        for query, second in zip(self.query_N.tolist(), self.second_N.tolist()):
            self.relevant.setdefault(query, set()).add(second)
        self.negatives: dict[int, list[int]] = {}
        for query, target in zip(queries, targets):
            own = number_of[query]
            bad = [number_of[text] for text in (*target.negatives, *(() if target.fits else (target.text,)))]
            known = self.relevant.get(own, set())
            self.negatives.setdefault(own, []).extend(text for text in bad if text not in known and text != own)

    def __len__(self) -> int:
        return len(self.query_N)

    @property
    def candidates(self) -> NDArray[np.int64]:
        """Return the texts that a query may find: all second texts."""
        return np.unique(self.second_N)

    def steps(
        self,
        *,
        rows_per_step: int,
        num_negatives: int,
        seed: int,
        epoch: int,
        mined: Sequence[NDArray[np.int64]] | None,
    ) -> list[Drawn]:
        """Cut one epoch into steps of nearly equal size, in random order.

        Args:
            rows_per_step: pairs of a step at most.
            num_negatives: of each pair that join its step, drawn from its query's own and the mined ones.
            seed: of the order and the draws.
            epoch: counted from 0.
            mined: for each pair the texts that the encoder takes for its own.
        """
        source = np.random.default_rng([seed, epoch])
        order = source.permutation(len(self))
        steps = []
        for rows_B in np.array_split(order, self.num_steps(rows_per_step)):
            joining: list[int] = []
            for row in rows_B:
                known = [*self.negatives.get(int(self.query_N[row]), ()), *(mined[row].tolist() if mined else ())]
                if known and num_negatives:
                    joining += source.choice(known, size=min(num_negatives, len(known)), replace=False).tolist()
            steps.append(Drawn(rows_B, np.asarray(list(dict.fromkeys(joining)), dtype=np.int64)))
        return steps

    def num_steps(self, rows_per_step: int) -> int:
        """Return how many steps one pass over the pairs takes."""
        return -(-len(self) // rows_per_step)

    def known(self, queries_B: NDArray[np.int64], candidate_C: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which candidates are relevant to each query, or the query itself, (B, C)."""
        place = {int(text): column for column, text in enumerate(candidate_C)}
        known_BC = np.zeros((len(queries_B), len(candidate_C)), dtype=bool)
        for row, query in enumerate(queries_B.tolist()):
            for text in (query, *self.relevant.get(query, ())):
                if text in place:
                    known_BC[row, place[text]] = True
        return known_BC
