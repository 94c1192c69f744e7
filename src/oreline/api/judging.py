"""Rows that judge a model: a dataset, or raw data read by the model's own columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oreline.api import names
from oreline.api.provenance import columns_of
from oreline.errors import DataError
from oreline.store import Artifact
from oreline.types import OnEvent, ignore

if TYPE_CHECKING:
    from oreline.data.dataset import Dataset


def judging_rows(artifact: Artifact, data: Any, *, seed: int = 0, on_event: OnEvent = ignore) -> Dataset:
    """Return a dataset, or raw data with the model's own columns, duplicates kept: rows that judge a model."""
    columns = columns_of(artifact)
    try:
        return names.dataset(
            data,
            roles=columns,
            operators=names.EVALUATION_OPERATORS,
            split={},
            seed=seed,
            on_event=on_event,
        )
    except DataError as error:
        if error.what.startswith("no column "):
            called = ", ".join(f"{column!r}" for column in columns.values())
            error.remedy = f"call the columns as the model's rows did: {called}; or refine the file and judge on that"
        raise
