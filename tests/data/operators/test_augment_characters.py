"""Rows with typing errors, English and Chinese."""

from __future__ import annotations

import polars as pl
import pytest

from oreline import registry
from oreline.errors import UsageError

FRAME = pl.DataFrame(
    {
        "row_id": ["a:1", "a:2", "a:3"],
        "text": ["the waiter was friendly", "服务员的态度很好", "3 !"],
        "label": ["good", "good", "bad"],
    }
)


def test_each_language_has_its_own_errors() -> None:
    operator = registry.create("operator", "augment_characters", times=4)
    operator.learnt(operator.fit(FRAME.lazy()))
    found = operator.add(FRAME)
    reasons = {row: set(part["change_reason"]) for (row,), part in found.group_by("from_id")}
    assert reasons == {"a:1": {"keyboard", "transpose", "drop", "double"}, "a:2": {"sound", "shape"}}
    assert set(found["label"]) == {"good"}
    assert operator.findings()["counts"]["rows without a variant"] == 1


def test_options() -> None:
    operator = registry.create("operator", "augment_characters", noises=["shape"], labels=["good"], times=1)
    operator.learnt(operator.fit(FRAME.lazy()))
    assert operator.add(FRAME)["from_id"].to_list() == ["a:2"]
    for wrong in ({"noises": []}, {"change": 0.0}, {"noises": ["smell"]}, {"times": 0}):
        with pytest.raises(UsageError):
            registry.create("operator", "augment_characters", **wrong)
