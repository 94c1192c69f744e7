"""Jobs: what is done to each frame, told to other processes as JSON."""

from __future__ import annotations

import polars as pl
import pytest

from oreline import registry
from oreline.data.ledger import Notes
from oreline.data.running.engine import Here, Job
from oreline.data.running.steps import Step
from oreline.errors import OrelineError

FRAME = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["x", "a  longer &amp; text"]})


class Lengths:
    """A `whole` whose signatures are lengths."""

    def __init__(self, *, short: bool = False) -> None:
        self.short = short

    def signatures(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select(length=pl.col("text").str.len_chars()).head(1 if self.short else 2)

    def whole(self, scan: pl.LazyFrame, signatures: pl.LazyFrame) -> pl.DataFrame:
        raise NotImplementedError


def chain() -> tuple[Step, ...]:
    made = [("normalize_text", "edit", {}), ("keep_length", "keep", {"min": 3})]
    return tuple(Step(name, registry.create("operator", name, **options), kind) for name, kind, options in made)


def test_a_job_is_the_same_after_it_was_told() -> None:
    job = Job(chain())
    assert job.is_movable
    begun: list[str] = []
    frame, notes = Job.heard(job.told()).done((FRAME, Notes()), begun.append)
    [(here, noted)] = Here().map([(FRAME, Notes())], job)
    assert frame.equals(here)
    assert notes.lines().equals(noted.lines())
    assert frame["text"].to_list() == ["a longer & text"]
    assert begun == ["normalize_text", "keep_length"]


def test_signatures_stand_for_the_rows() -> None:
    signing = Job(signer=Step("lengths", Lengths(), "whole"))
    assert not signing.is_movable, "nothing says how this one is built"
    found, notes = signing.done((FRAME, Notes()))
    assert found["length"].to_list() == [1, 20]
    assert notes.lines().is_empty()
    with pytest.raises(OrelineError, match="1 signatures for 2 rows"):
        Job(signer=Step("lengths", Lengths(short=True), "whole")).done((FRAME, Notes()))
