"""Add rows translated into another language and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from oreline.data.augment.making import Making, Row, Variant
from oreline.errors import DataError, OrelineError, UsageError

_THERE, _BACK = "there", "back"
_ANY = "a"
"""A text that every model has an answer to."""


class Operator:
    """Add rows to train that were translated into another language and back, by two `seq2seq` models.

    Any two models will do where one reads what the other writes: translators, or one that shortens and one that
    expands. Texts that were too long for a model, and answers much shorter or longer than the row, are refused.
    Sennrich et al. 2016; Yu et al. 2018 (QANet) for classification.

    Args:
        there: folder of the model that translates the rows.
        back: folder of the model that translates what it wrote; where it gives several answers (`num_answers`), a row
            has more variants.
        max_ratio: how many times longer or shorter than the row a variant may be, in characters.
        times: variants of each row.
        share: share of the rows that get variants.
        labels: only rows of these classes get variants, such as the rare ones.
        believable: what the label must keep of its probability beside the most probable one, 0 to 1, against the row
            that the text is made of; by n-grams of the other rows. 0 believes everything.
        seed: of the draw of the rows.
    """

    distinct = True
    """A model writes one text for many that it does not understand."""

    def __init__(
        self,
        *,
        there: str,
        back: str,
        max_ratio: float = 2.0,
        times: int = 1,
        share: float = 1.0,
        labels: Sequence[str] = (),
        believable: float = 0.25,
        seed: int = 0,
    ) -> None:
        if max_ratio < 1:
            raise UsageError(f"augment_translated: max_ratio is {max_ratio}", allowed="1 or more")
        self._making = Making("augment_translated", times, share, labels, believable, seed, takes_tags=False)
        self._max_ratio = max_ratio
        self.models = {_THERE: there, _BACK: back}
        self._models: Mapping[str, Any] = {}

    def bind(self, models: Mapping[str, Any]) -> None:
        """Take the two models. Raises `OrelineError` where one of them writes no texts."""
        self._models = models
        for name in models:  # said now, not behind operators that take hours
            try:
                self._answers(name, [_ANY])
            except OrelineError as error:
                error.where = error.where or name
                raise

    def fit(self, scan: pl.LazyFrame) -> dict[str, Any]:
        """Learn from train what the label filter needs."""
        return self._making.fit(scan)

    def learnt(self, learnt: Mapping[str, Any]) -> None:
        """Take what `fit` returned."""
        self._making.learnt(learnt)

    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return variants of the rows, with the row that each comes from."""
        rows = list(self._making.chosen(frame))
        if not rows:
            return self._making.added(frame, [], [])
        there = self._answers(_THERE, [row.text for row in rows])
        back = self._answers(_BACK, [texts[0] if texts else "" for texts in there])
        made = [self._fitting(row, texts) for row, texts in zip(rows, back)]
        return self._making.added(frame, rows, made)

    def findings(self) -> dict[str, Any]:
        """Return what was added and refused, for the report."""
        return self._making.findings()

    def _answers(self, name: str, texts: Sequence[str]) -> list[list[str]]:
        """Return what a model writes for each text, the best first; nothing for an empty text or one that was cut."""
        places = [place for place, text in enumerate(texts) if text.strip()]
        found: list[list[str]] = [[] for _ in texts]
        answers = self._models[name].predict([texts[place] for place in places]) if places else pl.DataFrame()
        if places and ("text" not in answers.columns or "entities" in answers.columns):
            raise DataError(
                f"the model {self.models[name]} writes no texts",
                allowed="a model for seq2seq",
                remedy="README.md in the model's folder says what it was trained for",
            )
        for place, answer in zip(places, answers.iter_rows(named=True)):
            if not answer.get("truncated"):
                found[place] = [answer["text"], *(other["text"] for other in answer.get("others") or ())]
        return found

    def _fitting(self, row: Row, texts: Sequence[str]) -> list[Variant | None]:
        most, least = len(row.text) * self._max_ratio, len(row.text) / self._max_ratio
        kept = [text for text in texts if least <= len(text) <= most]
        if len(kept) < len(texts):
            self._making.accounts.refused("much shorter or longer", len(texts) - len(kept))
        return [Variant(text, None, "translated") for text in kept]
