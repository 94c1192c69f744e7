"""What operators do to one frame, and how they are built again."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from oreline import registry
from oreline.data.ledger import Notes
from oreline.data.running.steps import Step, bind_models, built, guarded, kind_of, run_steps, steps_of, with_learnt
from oreline.errors import DataError, OrelineError, UsageError

FRAME = pl.DataFrame({"row_id": [f"a:{n}" for n in range(1, 6)], "text": ["x", "bad", "y", "worse", "z"]})


class Marks:
    """A `keep` that finds a text, and only says so."""

    reports_only = True

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        return frame.select(pl.when(pl.col("text") == "bad").then(pl.lit("bad_word"))).to_series()


class Fails:
    """An `edit` that fails on some texts."""

    def __init__(self, error: type[Exception], *texts: str) -> None:
        self.error, self.texts = error, texts

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        if set(self.texts) & set(frame["text"]):
            raise self.error("it\nbroke")
        return frame


class Long:
    """A `keep` that learns how long texts are."""

    def fit(self, scan: pl.LazyFrame) -> dict[str, int]:
        return {"longest": scan.select(pl.col("text").str.len_chars().max()).collect().item()}

    def learnt(self, found: dict[str, int]) -> None:
        self.longest = found["longest"]

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        return frame.select(pl.when(pl.col("text").str.len_chars() >= self.longest).then(pl.lit("long"))).to_series()


def step(operator: Any) -> Step:
    return steps_of([("it", operator)])[0]


def test_an_operator_defines_exactly_one_kind() -> None:
    class Both(Marks, Long):
        def add(self, frame: pl.DataFrame) -> pl.DataFrame:
            return frame

    assert kind_of("marks", Marks()) == "keep"  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="keep and add"):
        kind_of("both", Both())  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="defines none") as caught:
        kind_of("none", object())  # type: ignore[arg-type]
    assert caught.value.allowed == "exactly one of keep, edit, whole, add"


def test_what_only_reports_leaves_the_rows_and_says_so() -> None:
    notes = Notes()
    assert run_steps(FRAME, [step(Marks())], notes).equals(FRAME)
    assert notes.lines().rows() == [("a:2", "it", "flagged", "bad_word", None, None)]


def test_a_mistake_names_operator_and_row() -> None:
    for texts, where in ((["bad"], "a:2"), (["worse"], "a:4"), (["bad", "worse"], "a:2")):
        with pytest.raises(OrelineError, match=r"the operator 'it' failed: ValueError: it\n") as caught:
            run_steps(FRAME, [step(Fails(ValueError, *texts))], Notes())
        assert caught.value.where == where
    with pytest.raises(DataError) as refused:
        run_steps(FRAME, [step(Fails(DataError, "worse"))], Notes())
    assert refused.value.where == "it, a:4"

    def together(frame: pl.DataFrame) -> pl.DataFrame:
        if frame.height > 1:
            raise KeyError("two")
        return frame

    with pytest.raises(OrelineError, match="KeyError") as many:
        guarded(step(Marks()), FRAME, together)
    assert many.value.where == "rows a:1 to a:5", "no row fails alone"


def test_steps_are_built_again_from_name_and_options() -> None:
    first = Step("short", registry.create("operator", "keep-length", min=3), "keep")
    made = first.made_of
    assert made == {"name": "short", "plug": "keep_length", "options": {"min": 3}, "learnt": None}
    assert first.is_movable
    notes, again = Notes(), Notes()
    assert run_steps(FRAME, [first], notes).equals(run_steps(FRAME, [built(made)], again))
    assert notes.lines().equals(again.lines())
    assert notes.lines().height == 3
    unknown = step(Marks())
    assert unknown.made_of is None, "nothing says how this one is built"
    assert not unknown.is_movable
    odd = registry.create("operator", "keep_length", columns=np.array(["text"]).tolist())
    odd.made_of = ("keep_length", {"columns": FRAME})
    assert Step("odd", odd, "keep").made_of is None, "an option that is no JSON"


def test_what_was_learnt_goes_along() -> None:
    learning = step(Long())
    assert learning.learns
    told = with_learnt(learning, learning.operator.fit(FRAME.lazy()))
    assert told.learnt == {"longest": 5}
    notes = Notes()
    assert run_steps(FRAME, [told], notes)["text"].to_list() == ["x", "bad", "y", "z"]


def test_models_are_bound_once_or_refused() -> None:
    class Asks(Marks):
        models = {"judge": "folder"}  # noqa: RUF012

        def bind(self, models: dict[str, Any]) -> None:
            self.bound = models

    asking = Step("it", Asks(), "keep")
    assert not asking.is_movable
    with pytest.raises(UsageError, match="needs a model"):
        bind_models([asking], None)
    bind_models([asking, step(Marks())], lambda place: f"opened {place}")  # type: ignore[arg-type, return-value]
    assert asking.operator.bound == {"judge": "opened folder"}
