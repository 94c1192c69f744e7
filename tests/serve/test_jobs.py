"""A request's rows: filled from any batches in any order, ended exactly once."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from oreline.errors import OrelineError
from oreline.serve.jobs import Job, asked_of, joined, row_of, settle
from oreline.types import Encoded, Predictions


def predictions(rows: list[int], *, embeddings: bool) -> Predictions:
    """Answers that carry the number of their row in every part."""
    numbers = np.asarray(rows)
    return Predictions(
        {"scores": np.stack([numbers, -numbers], axis=1).astype(np.float32)},
        np.repeat(numbers[:, None], 3, axis=1).astype(np.float32) if embeddings else None,
        numbers.astype(np.int64),
        numbers % 2 == 1,
    )


def job(num_rows: int) -> Job:
    return Job({"text": [""] * num_rows}, num_rows, deadline_s=0.0, served="served")  # type: ignore[arg-type]


def test_of_a_model_that_writes_rows_hear_their_tokens_until_nobody_waits() -> None:
    heard: list[Any] = []
    listener = SimpleNamespace(key=7, begin=lambda *told: heard.append(told), tell=lambda token: heard.append(token))
    runtime: Any = SimpleNamespace(task=SimpleNamespace(view="texts"), written_by=None)
    served: Any = SimpleNamespace(runtime=runtime)
    until_s = time.monotonic() + 60
    loud = Job({"text": [""]}, 1, until_s, served, listener=listener)
    still = Job({"text": [""]}, 1, until_s, served)
    rows = [row_of(job, 0, Encoded([np.arange(3, dtype=np.int32)], np.array([True])), 0) for job in (loud, still)]
    first, second = asked_of(rows)["asked"]
    assert (first.key, second.key) == (7, None)
    assert not first.tell(5)
    assert heard == [(3, True), 5]
    assert not second.tell(5)
    still.future.cancel()
    assert second.tell(5)
    loud.deadline_s = 0.0
    assert first.tell(6)
    assert heard[-1] == 5  # it is over: nobody is told
    runtime.task.view = "labels"
    assert asked_of(rows) == {}


@pytest.mark.parametrize("embeddings", [True, False])
def test_rows_from_any_batches_come_back_in_their_places(embeddings: bool) -> None:
    order = list(range(10))
    random.Random(0).shuffle(order)
    waiting = job(10)
    for start in range(0, 10, 3):
        places = order[start : start + 3]
        assert not waiting.future.done()
        # Each batch holds another job's rows too: these are the ones at the odd positions.
        batch = [row for place in places for row in (place, 99)]
        waiting.fill(places, predictions(batch, embeddings=embeddings), [2 * n for n in range(len(places))])
    served, found = waiting.future.result(timeout=0)
    assert served == "served"
    np.testing.assert_array_equal(found.outputs["scores"][:, 0], range(10))
    assert set(found.outputs) == {"scores"}
    np.testing.assert_array_equal(found.num_tokens_N, range(10))
    np.testing.assert_array_equal(found.truncated_N, [False, True] * 5)
    if embeddings:
        np.testing.assert_array_equal(found.embedding_ND, np.repeat(np.arange(10.0)[:, None], 3, axis=1))
    else:
        assert found.embedding_ND is None


def test_the_first_end_counts() -> None:
    waiting = job(1)
    waiting.fail(OrelineError("late"))
    waiting.fill([0], predictions([0], embeddings=False), [0])
    waiting.fail(OrelineError("later"))
    with pytest.raises(OrelineError, match=r"late$"):
        waiting.future.result(timeout=0)
    gone = job(1)
    gone.future.cancel()
    gone.fill([0], predictions([0], embeddings=False), [0])
    assert gone.future.cancelled()


def test_of_many_that_end_a_job_one_wins() -> None:
    for _ in range(50):
        future: Future[Any] = Future()
        barrier, won = threading.Barrier(4), []

        def end(future: Future[Any] = future, barrier: threading.Barrier = barrier, won: list[int] = won) -> None:
            barrier.wait()
            if settle(future):
                won.append(1)

        threads = [threading.Thread(target=end) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won == [1]


@pytest.mark.parametrize("pairs", [True, False])
def test_rows_of_several_jobs_make_one_batch(pairs: bool) -> None:
    ids = [np.asarray([1, 2], np.int32), np.asarray([3], np.int32)]
    segments = [np.asarray([0, 1], np.int32), np.asarray([0], np.int32)] if pairs else None
    encoded = Encoded(ids, np.asarray([False, True]), segments)
    first, second = job(2), job(2)
    batch = joined([row_of(first, 1, encoded, 1), row_of(second, 0, encoded, 0)])
    assert [list(row) for row in batch.ids] == [[3], [1, 2]]
    assert list(batch.truncated_N) == [True, False]
    assert (batch.segments is None) is not pairs
    if pairs:
        assert [list(row) for row in batch.segments] == [[0], [0, 1]]
