"""What models that operators ask can answer: how sure a classifier is of some classes, and which entities are found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from oreline.errors import DataError, UsageError, did_you_mean


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


def entities_of(model: Any, asked: Sequence[str], operator: str) -> tuple[str, ...] | None:
    """Return the labels of the entities that a model finds; None where it does not say.

    Args:
        model: what an operator was given.
        asked: labels that the user expects of it; capitals do not count.
        operator: its name, for errors.

    Raises:
        UsageError: the model finds no entities, or none of a label that is asked for.
    """
    found: tuple[str, ...] | None = getattr(model, "entities", None)
    if found is None:
        return None
    if not found:
        raise UsageError(
            f"the model of {operator} finds no entities",
            allowed="a model for token_classification with a scheme (BIO or BIOES)",
            remedy="README.md in the model's folder says what it was trained for",
        )
    known = {label.lower() for label in found}
    if unknown := next((label for label in asked if label.lower() not in known), None):
        raise UsageError(
            f"the model of {operator} finds no entity {unknown!r}",
            allowed=did_you_mean(unknown, found),
            remedy="name the model's own labels",
        )
    return found


def _refuse_unknown(labels: Sequence[str], known: Sequence[str], model: str) -> None:
    for label in labels:
        if label not in known:
            raise DataError(f"the model has no class {label!r}", where=model, allowed=did_you_mean(label, known))
