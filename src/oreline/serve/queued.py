"""A runtime whose rows wait in the server's queue: for work, such as explaining, that predicts many trial rows.

One thread runs the model, whoever asks; trial rows share batches with everybody's and never jump the queue.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from oreline.errors import OrelineError
from oreline.runtime.batching import concatenate
from oreline.serve.refusals import DeadlineError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.serve.batcher import Batcher
    from oreline.serve.live import Served
    from oreline.serve.settings import Settings
    from oreline.types import Columns, Encoded, Predictions

_CHUNK_ROWS = 32
"""Trial rows that wait at once: few, so that an explanation does not fill the queue."""
_TARGET = "target"
"""Column of the answers whose costs are asked for, beside the inputs."""
_T = TypeVar("_T")
_Costs = Callable[["Columns", Sequence[str]], "tuple[NDArray[np.float64], NDArray[np.int64]]"]


class QueuedRuntime:
    """Predicts with one version of the model, through the queue."""

    def __init__(self, served: Served, batcher: Batcher, settings: Settings) -> None:
        self._served, self._batcher = served, batcher
        self._chunk_rows = min(_CHUNK_ROWS, settings.max_rows)
        self._deadline_s = settings.explain_deadline_s
        self._stopped = False
        self.costs: _Costs | None = self._costs if hasattr(served.runtime, "costs") else None
        self.artifact, self.task = served.runtime.artifact, served.runtime.task
        self.precision, self.token_budget = served.runtime.precision, served.runtime.token_budget

    def stop(self) -> None:
        """Predict nothing more: nobody waits for the result."""
        self._stopped = True

    def encode(self, columns: Columns) -> Encoded:
        """Tokenise rows."""
        return self._served.runtime.encode(columns)

    def forward(self, encoded: Encoded, *, embeddings: bool = False) -> Predictions:
        """Refuse: batches are cut by the queue."""
        raise OrelineError("a queued runtime takes rows, not batches: use predict")

    def predict(self, columns: Columns, *, embeddings: bool = False) -> Predictions:
        """Run any number of rows, some at a time.

        Raises `OverloadedError` when the queue is full, `DeadlineError` when nobody waits any more.
        """
        parts = []
        for chunk, num_rows in self._chunks(columns):
            future = self._batcher.submit(chunk, num_rows, deadline_s=self._deadline_s, served=self._served)
            parts.append(self._result(future).predictions)
        return concatenate(parts)

    def _costs(self, columns: Columns, targets: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return what given answers cost a model that writes: asked on its thread, between everybody's rows."""
        costs = getattr(self._served.runtime, "costs")  # noqa: B009  runtimes of models that write have it
        parts = []
        for chunk, _ in self._chunks({**columns, _TARGET: targets}):
            given = chunk.pop(_TARGET)
            parts.append(self._result(self._batcher.errand(functools.partial(costs, chunk, given))))
        nats, tokens = zip(*parts)
        return np.concatenate(nats), np.concatenate(tokens)

    def _chunks(self, columns: Columns) -> Iterator[tuple[dict[str, list[Any]], int]]:
        num_rows = len(next(iter(columns.values())))
        for start in range(0, num_rows, self._chunk_rows):
            if self._stopped:
                raise DeadlineError("the explanation was given up")
            chunk = {role: list(values[start : start + self._chunk_rows]) for role, values in columns.items()}
            yield chunk, min(self._chunk_rows, num_rows - start)

    def _result(self, future: Future[_T]) -> _T:
        try:
            return future.result(self._deadline_s)
        except (TimeoutError, CancelledError) as error:
            future.cancel()
            raise DeadlineError("the explanation took too long") from error
