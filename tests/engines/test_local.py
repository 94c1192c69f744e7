"""Worker processes: the same bytes as one process, in order, and errors that say where."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline import registry
from oreline.data import columnar
from oreline.data.dataset import Dataset
from oreline.data.ledger import Notes
from oreline.data.refine import Running, refine
from oreline.data.running.engine import Item, Job
from oreline.data.running.steps import Step
from oreline.engines import local
from oreline.engines.local import Local, most_workers
from oreline.errors import DataError, OrelineError, ResourceError, UsageError
from oreline.types import Operator

pytestmark = pytest.mark.usefixtures("plugs")

TEXTS = ["A  fine film", "a fine film", "&amp; so on", "好  片", "好 片", "x", " ", None, "bad\u200b", "a long film"]
SOURCE = {
    "text": [f"{text} {n % 7}" * (n % 3 + 1) if text and text != " " else text for n in range(12) for text in TEXTS],
    "label": [*"aab" * 38, *"cccaaa"],
}
CHAIN: list[tuple[str, dict[str, Any]]] = [
    ("normalize_text", {}), ("drop_empty", {}), ("keep_length", {"min": 4}), ("rare", {}), ("dedup_exact", {}),
    ("repeats", {}), ("dedup_near", {}), ("mask_pii", {}), ("keep_length", {"max": 24}),
]  # fmt: skip


def chain(*, here: bool = False) -> list[tuple[str, Operator]]:
    given = [(name, {"here": True} if here and name == "repeats" else options) for name, options in CHAIN]
    return [(name, registry.create("operator", name, **options)) for name, options in given]


def contents(data: Dataset) -> dict[str, bytes]:
    """Return every byte of a dataset that does not tell a time."""
    files = [file for file in sorted(data.path.rglob("*")) if file.is_file()]
    return {str(file.relative_to(data.path)): file.read_bytes() for file in files if not file.name.startswith("report")}


@pytest.fixture(scope="module")
def two() -> Iterator[Local]:
    """Two workers, shared by the tests that do not kill them."""
    with Local(workers=2) as engine:
        yield engine


def test_bytes_do_not_depend_on_the_number_of_workers(
    two: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "FRAME_BYTES", 300)  # two dozen frames
    options: dict[str, Any] = {"split": {"train": 0.8, "test": 0.2}}
    one = refine(SOURCE, operators=chain(here=True), out=tmp_path / "one", **options)
    many = refine(SOURCE, operators=chain(), out=tmp_path / "many", running=Running(engine=two), **options)
    assert contents(many) == contents(one)
    found = set(one.ledger()["reason"])
    assert {"white_space", "empty", "missing_text", "too_short", "rare", "duplicate", "length", "too_long"} <= found


def items(*texts: str) -> Iterator[Item]:
    for number, text in enumerate(texts, start=1):
        yield pl.DataFrame({"row_id": [f"a:{number}"], "text": [text]}), Notes()


def job(how: str) -> Job:
    return Job((Step("breaks", registry.create("operator", "breaks", how=how), "keep"),))


def test_errors_come_as_they_were_raised_and_the_first_one_first(two: Local) -> None:
    with pytest.raises(OrelineError, match="the operator 'breaks' failed: ValueError: a mistake") as caught:
        list(two.map(items("x", "y", "fail", "z", "fail"), job("fail")))
    assert caught.value.where == "a:3"
    assert any("a mistake" in note for note in caught.value.__notes__), "the worker's traceback, for --debug"
    with pytest.raises(DataError, match="no such text") as refused:
        list(two.map(items("x", "refuse"), job("refuse")))
    assert (refused.value.where, refused.value.remedy) == ("a:2", "write another")
    assert [frame["row_id"][0] for frame, _ in two.map(items(*"abcdefgh"), job(""))] == [f"a:{n}" for n in range(1, 9)]


def test_a_worker_that_dies_names_operator_and_rows() -> None:
    with Local(workers=2) as engine:
        with pytest.raises(ResourceError, match="killed by signal 9 in the operator 'breaks'") as caught:
            list(engine.map(items("x", "die", "y"), job("die")))
        assert caught.value.where == "rows a:2 to a:2"
        processes = [worker._process for worker in engine._processes]
    assert [process.poll() for process in processes] == [-9, -9], "none is left behind"


def test_a_reader_that_fails_is_heard(two: Local) -> None:
    def broken() -> Iterator[Item]:
        yield from items("x", "y", "z")
        raise DataError("row 4 is broken")

    with pytest.raises(DataError, match="row 4 is broken"):
        list(two.map(broken(), job("")))


def test_small_work_stays_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with Local(memory_bytes=8 << 30) as engine:
        assert len(list(engine.map(items(*"abc"), job("")))) == 3
        assert engine._processes == []
        monkeypatch.setattr(local, "PAYS_S", 0.0)
        monkeypatch.setattr(engine, "num_processes", 2)
        assert [frame["text"][0] for frame, _ in engine.map(items(*"abc"), job(""))] == ["a", "b", "c"]
        assert len(engine._processes) == 2
    with Local(workers=1) as one:
        assert len(list(one.map(items(*"abc"), job("")))) == 3
        assert one._processes == []


def test_workers_are_bounded_by_cores_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    assert most_workers(2 << 30) == 4
    assert most_workers(256 << 20) == 1
    assert most_workers(1 << 40) == 64
    with pytest.raises(UsageError, match="workers is 0"):
        Local(workers=0)
