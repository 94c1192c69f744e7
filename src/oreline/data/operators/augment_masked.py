"""Add rows in which a masked language model put other words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from oreline.data.augment.gaps import Filling
from oreline.data.augment.making import Making
from oreline.errors import UsageError

_MODEL = "masked"


class Operator:
    """Add rows to train in which words are those that a masked language model would put into their place.

    Of English words the whole is masked, of Chinese ones a character. Negations, numbers and words of entities (rows
    with tags) stay as they are.

    Args:
        model: an encoder with its masked-language head: what `oreline pretrain` writes, or a folder or hub id of BERT,
            RoBERTa and their like that was saved with it.
        change: share of the words that change, at least one.
        min_probability: of a word that may take the place of another.
        times: variants of each row; 16 for up to 500 rows, 8 for up to 2,000, 4 for more when not given.
        share: share of the rows that get variants.
        labels: only rows of these classes get variants, such as the rare ones.
        believable: what the label must keep of its probability beside the most probable one, 0 to 1, against the row
            that the text is made of; by n-grams of the other rows. 0 believes everything.
        seed: of what is drawn.
    """

    def __init__(
        self,
        *,
        model: str,
        change: float = 0.15,
        min_probability: float = 0.02,
        times: int | None = None,
        share: float = 1.0,
        labels: Sequence[str] = (),
        believable: float = 0.25,
        seed: int = 0,
    ) -> None:
        if not (0 < change <= 1 and 0 <= min_probability < 1):
            raise UsageError(
                f"augment_masked: change {change}, min_probability {min_probability}", allowed="shares, 0 to 1"
            )
        self._making = Making("augment_masked", times, share, labels, believable, seed)
        self._filling = Filling(change, min_probability)
        self.models = {_MODEL: model}
        self._model: Any = None

    def bind(self, models: Mapping[str, Any]) -> None:
        """Take the model. Raises `OrelineError` where it fills no gaps."""
        self._model = models[_MODEL]
        self._model.fill([], 1)  # said now, not behind operators that take hours

    def fit(self, scan: pl.LazyFrame) -> dict[str, Any]:
        """Learn from train what the label filter needs."""
        return self._making.fit(scan)

    def learnt(self, learnt: Mapping[str, Any]) -> None:
        """Take what `fit` returned."""
        self._making.learnt(learnt)

    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return variants of the rows, with the row that each comes from."""
        rows = list(self._making.chosen(frame))
        chances = [self._making.chance(row) for row in rows]
        num = self._making.num_tried
        asked = self._filling.asked(self._model, rows, chances, num)
        made = [self._filling.variants(opened, chance, num) for opened, chance in zip(asked, chances)]
        return self._making.added(frame, rows, made)

    def findings(self) -> dict[str, Any]:
        """Return what was added and refused, for the report."""
        return self._making.findings()
