"""Batching: every row gets its own answer, little is padded, nobody starves, nothing is computed for nobody."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.errors import DataError
from oreline.runtime.linear import Runtime
from oreline.runtime.open import open_runtime
from oreline.serve.batcher import MAX_PADDING, Batcher, batch_of_first
from oreline.serve.jobs import Answered
from oreline.serve.live import Served
from oreline.serve.meters import Meters
from oreline.serve.refusals import DeadlineError, DrainingError, OverloadedError
from oreline.serve.settings import Settings
from oreline.store import Artifact
from oreline.types import Columns, Encoded, Predictions

POISON = "poison"


class GatedRuntime(Runtime):
    """The real linear model behind a gate: the test decides when a batch may run, and sees what is in it."""

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact)
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)
        self.batches: list[list[int]] = []

    def encode(self, columns: Columns) -> Encoded:
        if POISON in columns["text"]:
            raise DataError("this text cannot be tokenised")
        return super().encode(columns)

    def forward(self, encoded: Encoded, *, embeddings: bool = False) -> Predictions:
        self.entered.release()
        assert self.gate.wait(timeout=60)
        self.batches.append([len(ids) for ids in encoded.ids])
        if any(len(ids) == 666 for ids in encoded.ids):
            raise RuntimeError("the model cannot take this row")
        return super().forward(encoded, embeddings=embeddings)


MakeBatcher = Callable[..., tuple[Batcher, GatedRuntime, Meters]]


@pytest.fixture
def make_batcher(artifact: Artifact) -> Iterator[MakeBatcher]:
    batchers: list[tuple[Batcher, GatedRuntime]] = []

    def make(**options: object) -> tuple[Batcher, GatedRuntime, Meters]:
        runtime, meters = GatedRuntime(artifact), Meters()
        served = Served(runtime)
        batcher = Batcher(lambda: served, Settings(**options), meters)
        batcher.start()
        batchers.append((batcher, runtime))
        return batcher, runtime, meters

    yield make
    for batcher, runtime in batchers:
        runtime.gate.set()
        batcher.close(timeout_s=5)


def _text(length: int) -> str:
    """Return a text with so many known trigrams: "awf" is one, and those that join two of them are unknown."""
    return "awf-" * length


def _length(runtime: Runtime, text: str) -> int:
    return len(runtime.encode({"text": [text]}).ids[0])


def _counter(meters: Meters, name: str, **labels: str) -> float:
    return meters.registry.get_sample_value(name, labels) or 0.0


def test_every_row_gets_its_own_answer_under_concurrency(make_batcher: MakeBatcher, model: Path) -> None:
    """The nonce test: each text has scores of its own, and each client checks that it got those."""
    batcher, _, _ = make_batcher(max_batch_tokens=2000)
    words = ["great", "wonderful", "moving", "funny", "awful", "boring", "dull", "terrible", "the", "film", "plot"]
    source = random.Random(0)
    jobs = [
        [
            f"{' '.join(source.choices(words, k=source.randint(0, 40)))} {job} {row}"
            for row in range(source.randint(1, 9))
        ]
        for job in range(200)
    ]
    alone = open_runtime(model)

    def ask(texts: list[str]) -> np.ndarray:
        answered = batcher.submit({"text": texts}, len(texts), deadline_s=30).result(timeout=30)
        return answered.predictions.outputs["scores"]

    with ThreadPoolExecutor(16) as pool:
        for texts, scores_NK in zip(jobs, pool.map(ask, jobs), strict=True):
            expected_NK = np.concatenate([alone.predict({"text": [text]}).outputs["scores"] for text in texts])
            np.testing.assert_allclose(scores_NK, expected_NK, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=8), min_size=1, max_size=12))
def test_batches_keep_the_budget_and_lose_nothing(artifact: Artifact, sizes: list[list[int]]) -> None:
    runtime, meters = GatedRuntime(artifact), Meters()
    served = Served(runtime)
    batcher = Batcher(lambda: served, Settings(max_batch_tokens=100, look_ahead_rows=16), meters)
    runtime.gate.clear()
    batcher.start()
    futures = [batcher.submit({"text": [_text(size) for size in row]}, len(row), deadline_s=30) for row in sizes]
    runtime.gate.set()
    for row, future in zip(sizes, futures, strict=True):
        assert future.result(timeout=60).predictions.num_tokens_N.tolist() == [
            _length(runtime, _text(size)) for size in row
        ]
    batcher.close(timeout_s=5)
    assert sum(map(len, runtime.batches)) == sum(map(len, sizes))
    assert all(len(batch) * max(batch) <= 100 or len(batch) == 1 for batch in runtime.batches)
    assert all(len(batch) * max(batch) - sum(batch) <= MAX_PADDING for batch in runtime.batches)
    assert batcher.num_waiting == 0


@given(lengths=st.lists(st.integers(0, 200), min_size=1, max_size=60), budget=st.integers(1, 500))
def test_a_batch_holds_the_oldest_row_and_is_as_large_as_the_bounds_allow(lengths: list[int], budget: int) -> None:
    batch = batch_of_first(lengths, budget)
    inside = sorted(lengths[row] for row in batch)
    outside = [lengths[row] for row in range(len(lengths)) if row not in batch]
    assert 0 in batch
    assert len(inside) == 1 or len(inside) * inside[-1] <= budget
    assert len(inside) * inside[-1] - sum(inside) <= MAX_PADDING
    assert not any(inside[0] < length < inside[-1] for length in outside), "rows of near length stay together"


def _hold(batcher: Batcher, runtime: GatedRuntime) -> None:
    """Occupy the model with one row, so that what is sent next has to queue."""
    runtime.gate.clear()
    batcher.submit({"text": ["awful"]}, 1, deadline_s=30)
    assert runtime.entered.acquire(timeout=5)


def _tokenised(batcher: Batcher, num_rows: int) -> None:
    until = time.monotonic() + 60
    while len(batcher._ready) < num_rows:
        assert time.monotonic() < until
        time.sleep(0.002)


def test_rows_are_grouped_by_length_and_the_oldest_goes_first(make_batcher: MakeBatcher) -> None:
    batcher, runtime, _ = make_batcher(max_batch_tokens=120)
    _hold(batcher, runtime)
    lengths = [5, 60, 6, 60, 5]
    futures = [batcher.submit({"text": [_text(length)]}, 1, deadline_s=30) for length in lengths]
    _tokenised(batcher, len(lengths))
    runtime.gate.set()
    for future in futures:
        future.result(timeout=60)
    assert runtime.batches[1:] == [[5, 6, 5], [60, 60]], "arrived mixed, computed apart, the oldest row's batch first"


def test_no_row_waits_for_company(make_batcher: MakeBatcher) -> None:
    batcher, runtime, _ = make_batcher()
    assert batcher.submit({"text": ["awful"]}, 1, deadline_s=30).result(timeout=60)
    assert [len(batch) for batch in runtime.batches] == [1]


def test_rows_that_came_while_the_model_was_busy_share_a_batch(make_batcher: MakeBatcher) -> None:
    batcher, runtime, _ = make_batcher()
    _hold(batcher, runtime)
    futures = [batcher.submit({"text": [_text(9)]}, 1, deadline_s=30) for _ in range(20)]
    _tokenised(batcher, 20)
    runtime.gate.set()
    for future in futures:
        future.result(timeout=60)
    assert [len(batch) for batch in runtime.batches] == [1, 20]


def test_a_full_queue_refuses_and_says_when_to_come_back(make_batcher: MakeBatcher) -> None:
    batcher, runtime, _ = make_batcher(queue_rows=8, max_rows=8)
    batcher.submit({"text": ["awful"]}, 1, deadline_s=30).result(timeout=60)  # so that a rate is known
    _hold(batcher, runtime)
    batcher.submit({"text": ["dull"] * 7}, 7, deadline_s=30)
    with pytest.raises(OverloadedError, match="8 rows wait") as caught:
        batcher.submit({"text": ["dull"]}, 1, deadline_s=30)
    assert caught.value.retry_after_s is not None
    assert caught.value.status == 429
    assert "queue_rows = 8" in caught.value.allowed
    runtime.gate.set()
    while batcher.num_waiting:
        time.sleep(0.002)
    assert batcher.submit({"text": ["dull"]}, 1, deadline_s=30).result(timeout=60)


@pytest.mark.parametrize(("max_wait_s", "deadline_s"), [(1.0, 30.0), (30.0, 1.0)])
def test_a_queue_that_takes_too_long_refuses(make_batcher: MakeBatcher, max_wait_s: float, deadline_s: float) -> None:
    batcher, runtime, _ = make_batcher(max_wait_s=max_wait_s)
    _hold(batcher, runtime)
    batcher._row_s = 2.0  # as measured on a slow machine
    with pytest.raises(OverloadedError, match=r"1 rows wait, which takes 2\.0 s") as caught:
        batcher.submit({"text": ["dull"]}, 1, deadline_s=deadline_s)
    assert caught.value.retry_after_s == 2.0
    batcher._row_s = 0.5
    assert batcher.submit({"text": ["dull"]}, 1, deadline_s=deadline_s)


def test_expired_rows_are_dropped_before_they_are_computed(make_batcher: MakeBatcher) -> None:
    batcher, runtime, meters = make_batcher()
    _hold(batcher, runtime)
    late = batcher.submit({"text": ["dull"] * 3}, 3, deadline_s=0.05)
    _tokenised(batcher, 3)
    time.sleep(0.06)
    runtime.gate.set()
    with pytest.raises(DeadlineError):
        late.result(timeout=60)
    batcher.submit({"text": ["awful"]}, 1, deadline_s=30).result(timeout=60)
    assert [len(batch) for batch in runtime.batches] == [1, 1]
    assert _counter(meters, "oreline_rows_dropped_total", reason="expired") == 3
    assert batcher.num_waiting == 0


def test_cancelled_rows_are_dropped_before_they_are_computed(make_batcher: MakeBatcher) -> None:
    batcher, runtime, meters = make_batcher()
    _hold(batcher, runtime)
    given_up = batcher.submit({"text": ["dull"] * 2}, 2, deadline_s=30)
    _tokenised(batcher, 2)
    assert given_up.cancel()
    runtime.gate.set()
    batcher.submit({"text": ["awful"]}, 1, deadline_s=30).result(timeout=60)
    assert [len(batch) for batch in runtime.batches] == [1, 1]
    assert _counter(meters, "oreline_rows_dropped_total", reason="cancelled") == 2
    assert batcher.num_waiting == 0


def test_a_row_that_fails_fails_alone(make_batcher: MakeBatcher) -> None:
    batcher, runtime, _ = make_batcher()
    _hold(batcher, runtime)
    good = [batcher.submit({"text": [text]}, 1, deadline_s=30) for text in ("great", "awful")]
    untokenisable = batcher.submit({"text": [POISON]}, 1, deadline_s=30)
    bad = batcher.submit({"text": [_text(666)]}, 1, deadline_s=30)
    assert _length(runtime, _text(666)) == 666
    runtime.gate.set()
    assert all(isinstance(future.result(timeout=60), Answered) for future in good)
    with pytest.raises(DataError):
        untokenisable.result(timeout=60)
    with pytest.raises(RuntimeError):
        bad.result(timeout=60)
    assert batcher.submit({"text": ["awful"]}, 1, deadline_s=30).result(timeout=60)


def test_closing_finishes_what_was_accepted_and_takes_nothing_new(make_batcher: MakeBatcher) -> None:
    batcher, runtime, _ = make_batcher()
    _hold(batcher, runtime)
    accepted = [batcher.submit({"text": ["dull"] * 4}, 4, deadline_s=30) for _ in range(5)]
    threading.Timer(0.05, runtime.gate.set).start()
    batcher.close(timeout_s=10)
    assert all(len(future.result(timeout=0).predictions.num_tokens_N) == 4 for future in accepted)
    with pytest.raises(DrainingError):
        batcher.submit({"text": ["dull"]}, 1, deadline_s=30)


def test_closing_does_not_wait_for_ever(make_batcher: MakeBatcher) -> None:
    batcher, runtime, _ = make_batcher()
    _hold(batcher, runtime)
    left = batcher.submit({"text": ["dull"]}, 1, deadline_s=30)
    _tokenised(batcher, 1)
    batcher.close(timeout_s=0.05)
    with pytest.raises(DrainingError):
        left.result(timeout=0)


def test_a_row_for_readiness_passes_a_full_queue(make_batcher: MakeBatcher) -> None:
    batcher, runtime, _ = make_batcher(queue_rows=4, max_rows=4)
    _hold(batcher, runtime)
    batcher.submit({"text": [_text(50)] * 3}, 3, deadline_s=30)
    _tokenised(batcher, 3)
    first = batcher.submit({"text": [_text(9)]}, 1, deadline_s=30, first=True)
    _tokenised(batcher, 4)
    assert batcher._ready[0].num_tokens == _length(runtime, _text(9))
    runtime.gate.set()
    assert first.result(timeout=60)


def test_rows_for_readiness_run_alone(make_batcher: MakeBatcher) -> None:
    """In company a dynamically quantised model answers otherwise, and a healthy server would be called unready."""
    batcher, runtime, _ = make_batcher()
    _hold(batcher, runtime)
    others = batcher.submit({"text": [_text(9)] * 3}, 3, deadline_s=30)
    _tokenised(batcher, 3)
    ready = batcher.submit({"text": [_text(9)] * 2}, 2, deadline_s=30, first=True)
    _tokenised(batcher, 5)
    runtime.gate.set()
    assert ready.result(timeout=60)
    assert others.result(timeout=60)
    assert [len(batch) for batch in runtime.batches[1:]] == [1, 1, 3]


def test_errands_and_batches_take_turns_on_the_models_thread(make_batcher: MakeBatcher) -> None:
    batcher, runtime, _ = make_batcher()
    _hold(batcher, runtime)
    done: list[str] = []
    futures = [batcher.errand(lambda number=number: done.append(f"errand {number}") or number) for number in range(3)]
    broken = batcher.errand(lambda: 1 / 0)
    unwanted = batcher.errand(lambda: done.append("unwanted"))
    unwanted.cancel()
    answer = batcher.submit({"text": ["a great film"]}, 1, deadline_s=60)
    answer.add_done_callback(lambda _: done.append("batch"))
    runtime.gate.set()
    assert [future.result(60) for future in futures] == [0, 1, 2]
    assert answer.result(60).predictions.outputs["scores"].shape == (1, 2)
    with pytest.raises(ZeroDivisionError):
        broken.result(60)
    assert sorted(done) == ["batch", "errand 0", "errand 1", "errand 2"]
    batcher.close(timeout_s=60)
    with pytest.raises(DrainingError):
        batcher.errand(lambda: None)
