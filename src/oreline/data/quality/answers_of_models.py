"""How sure a classifier is that texts are of some classes, from the answers that it gives an operator."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from oreline.errors import DataError, did_you_mean


def probability_of(answers: pl.DataFrame, labels: Sequence[str], model: str) -> pl.Series:
    """Return the probability of any of some labels, a row for each answer.

    Args:
        answers: what `Model.predict` returned: `label`, and `scores` by label where the model has them.
        labels: classes that count, together.
        model: its place, for errors.

    Raises:
        DataError: the model is no classifier, or has none of these labels.
    """
    if "scores" in answers.columns and isinstance(answers.schema["scores"], pl.Struct):
        known = [field.name for field in answers.schema["scores"].fields]
        _refuse_unknown(labels, known, model)
        of_labels = [pl.col("scores").struct.field(label).fill_null(0.0) for label in labels]
        return answers.select(pl.sum_horizontal(of_labels).cast(pl.Float64).alias("probability")).to_series()
    if "label" not in answers.columns:
        raise DataError("the model gives no label", where=model, allowed="a model for text_classification")
    return answers["label"].cast(pl.String).is_in(list(labels)).cast(pl.Float64).alias("probability")


def _refuse_unknown(labels: Sequence[str], known: Sequence[str], model: str) -> None:
    for label in labels:
        if label not in known:
            raise DataError(f"the model has no class {label!r}", where=model, allowed=did_you_mean(label, known))
