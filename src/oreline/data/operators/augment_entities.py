"""Add rows with other entities of the same type, from other rows; tags follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from oreline.data.augment.entities import Exchange, Gathered, Scheme, pools_of_tags, spans_by, tag_scheme
from oreline.data.augment.making import Making, some_texts
from oreline.data.columnar import frames_of
from oreline.data.quality.answers_of_models import entities_of
from oreline.errors import DataError, UsageError

_FINDER = "finder"


class Operator:
    """Add rows to train in which entities are others of the same type, taken from other rows of train.

    In rows with tags (BIO, BIOES) the tags say what is an entity, and new tags follow it. In other texts a
    `token_classification` model finds them.

    Args:
        model: the folder of a model that finds entities, for rows without tags.
        types: types of entities that are exchanged; all when not given.
        change: share of a row's entities that are exchanged, at least one.
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
        model: str | None = None,
        types: Sequence[str] = (),
        change: float = 0.5,
        times: int | None = None,
        share: float = 1.0,
        labels: Sequence[str] = (),
        believable: float = 0.25,
        seed: int = 0,
    ) -> None:
        if not 0 < change <= 1:
            raise UsageError(f"augment_entities: change is {change}", allowed="a share above 0, to 1")
        self._making = Making("augment_entities", times, share, labels, believable, seed)
        self._types, self._change = tuple(types), change
        self.models = {_FINDER: model} if model is not None else {}
        self._model: Any = None
        self._exchange = Exchange({}, change, Scheme("bio", {}))

    def bind(self, models: Mapping[str, Any]) -> None:
        """Take the model that finds entities. Raises `UsageError` for one that finds none of any type."""
        self._model = models.get(_FINDER)
        entities_of(self._model, (), "augment_entities")

    def fit(self, scan: pl.LazyFrame) -> dict[str, Any]:
        """Learn from train which entities there are, and what the label filter needs.

        Raises `UsageError` where the model finds none of a type that is asked for.
        """
        learnt = self._making.fit(scan)
        names = scan.collect_schema().names()
        if "tags" in names:
            tagged = scan.select("text", "tags")
            scheme = tag_scheme(frames_of(tagged))
            if scheme.name == "plain":
                raise DataError(
                    "augment_entities: the tags are no entities",
                    allowed="tags in BIO or BIOES, such as B-LOC, I-LOC, O",
                    remedy="leave the operator out",
                )
            pools = pools_of_tags(frames_of(tagged), scheme, self._types)
            return {**learnt, "pools": pools, "scheme": [scheme.name, dict(scheme.letters)]}
        if self._model is None or not learnt["rows"]:
            return {**learnt, "pools": {}, "scheme": ["bio", {}]}
        entities_of(self._model, self._types, "augment_entities")
        texts = some_texts(scan)
        gathered = Gathered(self._types)
        for text, spans in zip(texts, self._spans(texts)):
            for span in spans:
                gathered.add(span.label, text[span.start : span.end])
        return {**learnt, "pools": gathered.pools(), "scheme": ["bio", {}]}

    def learnt(self, learnt: Mapping[str, Any]) -> None:
        """Take what `fit` returned."""
        self._making.learnt(learnt)
        self._exchange = Exchange(learnt["pools"], self._change, Scheme(*learnt["scheme"]))
        if not learnt["pools"]:
            self._making.accounts.notes.append(
                "augment_entities has no two entities of one type to exchange; rows without tags need a model that "
                "finds them: model: FOLDER"
            )

    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return variants of the rows, with the row that each comes from."""
        if "tags" in frame.columns:
            return self._making.add(frame, self._exchange.of_tags)
        rows = list(self._making.chosen(frame))
        if self._model is None or not rows:
            return self._making.added(frame, [], [])
        num = self._making.num_tried
        spans = self._spans([row.text for row in rows])
        made = [self._exchange.of_text(row, own, self._making.chance(row), num) for row, own in zip(rows, spans)]
        return self._making.added(frame, rows, made)

    def findings(self) -> dict[str, Any]:
        """Return what was added and refused, for the report."""
        return self._making.findings()

    def _spans(self, texts: Sequence[str]) -> Any:
        try:
            return spans_by(self._model, texts)
        except pl.exceptions.ColumnNotFoundError as error:
            raise DataError(
                "the model of augment_entities finds no entities",
                allowed="a model for token_classification with a scheme (BIO or BIOES)",
                remedy="README.md in the model's folder says what it was trained for",
            ) from error
