"""A runtime behind the queue: it answers as the model does, a few rows at a time, and stops when nobody waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oreline.errors import OrelineError
from oreline.runtime.open import open_runtime
from oreline.serve.batcher import Batcher
from oreline.serve.live import Served
from oreline.serve.meters import Meters
from oreline.serve.queued import QueuedRuntime
from oreline.serve.refusals import DeadlineError
from oreline.serve.settings import Settings
from oreline.types import Columns

TEXTS = [f"a {word} film" for word in ("great", "dull", "warm", "silly")] * 25


@pytest.fixture
def served(model: Path) -> Served:
    return Served(open_runtime(model))


@pytest.fixture
def batcher(served: Served) -> Iterator[Batcher]:
    batcher = Batcher(lambda: served, Settings(), Meters())
    batcher.start()
    yield batcher
    batcher.close(timeout_s=5)


def test_it_answers_as_the_model_does(served: Served, batcher: Batcher) -> None:
    queued = QueuedRuntime(served, batcher, Settings())
    expected = served.runtime.predict({"text": TEXTS}).outputs["scores"]
    np.testing.assert_allclose(queued.predict({"text": TEXTS}).outputs["scores"], expected, atol=1e-6)
    assert queued.task is served.task
    assert len(queued.encode({"text": TEXTS[:3]}).ids) == 3


def test_few_rows_wait_at_once(served: Served, batcher: Batcher, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, submit = [], batcher.submit

    def counted(columns, num_rows, **options):
        sizes.append((num_rows, len(columns["text"])))
        return submit(columns, num_rows, **options)

    monkeypatch.setattr(batcher, "submit", counted)
    QueuedRuntime(served, batcher, Settings(max_rows=30)).predict({"text": TEXTS})
    assert sizes == [(30, 30), (30, 30), (30, 30), (10, 10)]


def test_it_stops_when_nobody_waits(served: Served, batcher: Batcher) -> None:
    queued = QueuedRuntime(served, batcher, Settings())
    queued.stop()
    with pytest.raises(DeadlineError, match="given up"):
        queued.predict({"text": TEXTS})


def test_what_takes_too_long_is_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    idle = Batcher(lambda: served, Settings(), Meters())  # never started: nothing is answered
    queued = QueuedRuntime(served, idle, Settings(explain_deadline_s=0.05))
    with pytest.raises(DeadlineError, match="took too long"):
        queued.predict({"text": TEXTS})


def test_batches_are_cut_by_the_queue(served: Served, batcher: Batcher) -> None:
    queued = QueuedRuntime(served, batcher, Settings())
    with pytest.raises(OrelineError, match="use predict"):
        queued.forward(queued.encode({"text": TEXTS[:2]}))


def test_what_answers_cost_is_asked_on_the_models_thread(served: Served, batcher: Batcher) -> None:
    queued = QueuedRuntime(served, batcher, Settings())
    assert queued.costs is None  # this model writes nothing
    asked: list[tuple[int, str]] = []

    class Writing:
        """Knows what an answer costs: its characters."""

        def __init__(self, runtime: Any) -> None:
            self.artifact, self.task = runtime.artifact, runtime.task
            self.precision, self.token_budget = runtime.precision, runtime.token_budget

        def costs(self, columns: Columns, targets: Sequence[str]) -> tuple[Any, Any]:
            asked.append((len(targets), threading.current_thread().name))
            return np.array([float(len(text)) for text in targets]), np.array([len(text) for text in columns["text"]])

    writing = Served(Writing(served.runtime))  # type: ignore[arg-type]
    queued = QueuedRuntime(writing, batcher, Settings(max_rows=30))
    assert queued.costs is not None
    nats, tokens = queued.costs({"text": TEXTS}, ["answer"] * len(TEXTS))
    assert nats.tolist() == [6.0] * 100
    assert tokens.tolist() == [len(text) for text in TEXTS]
    assert asked == [(size, "oreline-infer") for size in (30, 30, 30, 10)]
    queued.stop()
    with pytest.raises(DeadlineError, match="given up"):
        queued.costs({"text": TEXTS}, ["answer"] * len(TEXTS))
