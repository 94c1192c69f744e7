"""The passes behind each step of a run: which rows, cut by a budget that is halved when memory runs out.

Shape suffixes: N rows, B rows of one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from oreline.models.batch import Batch
from oreline.recipe import TrainOptions
from oreline.train.batches import cut_again, plan_epoch, steps_from, steps_per_epoch
from oreline.train.budget import Budget, told_of
from oreline.train.resources import Trial

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Passes:
    """The steps of one run, from its rows' lengths, a seed and a budget.

    Args:
        lengths_N: tokens of each training row.
        options: rows of a step.
        seed: of the order of rows.
        budget: padded tokens of a pass.
        make: puts rows in a batch.
        say: is told when a step is cut smaller.
        ahead: passes the rows of steps on, and may look at some of them before their turn.
    """

    def __init__(
        self,
        lengths_N: NDArray[np.int64],
        options: TrainOptions,
        seed: int,
        budget: Budget,
        make: Callable[[NDArray[np.int64]], Batch],
        say: Callable[[str], None],
        ahead: Callable[[Iterator[list[NDArray[np.int64]]]], Iterator[Sequence[NDArray[np.int64]]]] = iter,
    ) -> None:
        self._ahead = ahead
        self._lengths_N, self._seed, self.budget, self._make, self._say = lengths_N, seed, budget, make, say
        self._rows_per_step = options.rows_per_step
        self.per_epoch = steps_per_epoch(len(lengths_N), options.rows_per_step)
        self._at_hand: list[NDArray[np.int64]] = []

    def steps(self, first: int, stop: int, numbers: Iterable[int] | None = None) -> Iterator[Sequence[Batch]]:
        """Yield the batches of the steps `first` to `stop - 1`, each made when its turn comes.

        `numbers` are those the budget knows these steps by, where steps of other rows lie between them.
        """
        planned = steps_from(
            self._lengths_N,
            first=first,
            num_steps=stop,
            rows_per_step=self._rows_per_step,
            token_budget=self.budget.first,
            seed=self._seed,
        )
        for number, parts in zip(range(first, stop) if numbers is None else numbers, self._ahead(planned)):
            budget = self.budget.at(number)
            self._at_hand = list(parts) if budget == self.budget.first else cut_again(parts, self._lengths_N, budget)
            yield self._batches()

    def smaller(self, step: int, batches: Sequence[Batch]) -> Sequence[Batch]:
        """Halve the budget for good, and return the rows of a step that ran out of memory in smaller batches.

        Raises `ResourceError` where they hold one row each already.
        """
        budget = self._halve(step, self._at_hand)
        self._say(told_of(budget, step))
        self._at_hand = cut_again(self._at_hand, self._lengths_N, budget)
        return self._batches()

    def halve_before_the_first(self) -> None:
        """Halve the budget because a step that was tried ran out of memory. Raises `ResourceError` as `smaller`."""
        self._say(told_of(self._halve(0, [self._largest(self._epoch(self.budget.at(0)))]), None))

    def trial(self, make: Callable[[NDArray[np.int64]], Batch]) -> Trial:
        """Return two steps of the first epoch, a short and a long one, and its largest pass, to be measured."""
        epoch = self._epoch(self.budget.at(0))
        tokens = np.asarray([sum(self._padded(rows) for rows in step) for step in epoch])
        by_size = np.argsort(tokens, kind="stable")
        chosen = dict.fromkeys(int(by_size[int(share * (len(by_size) - 1))]) for share in (0.25, 0.75))
        steps = [[make(rows) for rows in epoch[number]] for number in chosen]
        shapes = {(len(rows), int(self._lengths_N[rows].max())) for step in epoch for rows in step}
        return Trial(steps, float(tokens.mean()), make(self._largest(epoch)), len(shapes))

    def longest(self, budget: int) -> NDArray[np.int64]:
        """Return as many of the longest rows as a budget takes, a step's at most."""
        longest = np.argsort(-self._lengths_N, kind="stable")[: self._rows_per_step]
        return longest[: max(budget // max(int(self._lengths_N[longest[0]]), 1), 1)]

    def _halve(self, step: int, parts: Sequence[NDArray[np.int64]]) -> int:
        return self.budget.halve(step, [(len(rows), int(self._lengths_N[rows].max())) for rows in parts])

    def _epoch(self, token_budget: int) -> list[list[NDArray[np.int64]]]:
        return plan_epoch(
            self._lengths_N,
            rows_per_step=self._rows_per_step,
            token_budget=token_budget,
            seed=self._seed,
            epoch=0,
        )

    def _largest(self, epoch: Sequence[Sequence[NDArray[np.int64]]]) -> NDArray[np.int64]:
        return max((rows for step in epoch for rows in step), key=self._padded)

    def _batches(self) -> list[Batch]:
        return [self._make(rows) for rows in self._at_hand]

    def _padded(self, rows: NDArray[np.int64]) -> int:
        return len(rows) * int(self._lengths_N[rows].max())
