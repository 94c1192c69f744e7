"""A request's rows on their way through the queue, and the right to answer it exactly once.

Shape suffixes: N rows of a request, B rows of a batch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from oreline.generation import Asked
from oreline.runtime.batching import join, take
from oreline.types import Encoded, Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.serve.live import Served
    from oreline.types import Columns

_SETTLING = threading.Lock()
"""The model, a deadline and the end of the server may all want to end one job; the first one does."""


class Answered(NamedTuple):
    """A request's predictions and the model that made them."""

    served: Served
    predictions: Predictions


class Listener(Protocol):
    """Hears what a model writes for a row, on the model's thread."""

    key: int | None
    """What samples are drawn by; what the row says when None."""

    def begin(self, num_tokens: int, is_cut: bool) -> None:
        """Hear that the model begins, how many tokens it reads, and whether the row was cut."""
        ...

    def tell(self, token: int) -> bool:
        """Hear one token; returns whether the answer ends with it."""
        ...


@dataclass(slots=True, eq=False)
class Job:
    """The rows of one request, on their way."""

    columns: Columns
    num_rows: int
    deadline_s: float
    """On the monotonic clock."""
    served: Served
    first: bool = False
    listener: Listener | None = None
    """Who hears what is written for the one row, as it is written."""
    future: Future[Answered] = field(default_factory=Future)
    accepted_s: float = field(default_factory=time.monotonic)
    num_missing: int = 0
    outputs: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.num_missing = self.num_rows

    @property
    def is_over(self) -> bool:
        """Whether nobody waits any more: it is answered, its client has gone, or its deadline has passed."""
        return self.future.done() or time.monotonic() >= self.deadline_s

    def tell(self, token: int) -> bool:
        """Say one token of what is written for a row; returns whether to stop there."""
        return self.is_over or (self.listener is not None and self.listener.tell(token))

    def fill(self, rows_B: list[int], predictions: Predictions, picks_B: list[int]) -> None:
        """Put some rows of a batch into their places; the last ones complete the answer."""
        named = {**predictions.outputs, "_num_tokens": predictions.num_tokens_N, "_truncated": predictions.truncated_N}
        if predictions.embedding_ND is not None:
            named["_embedding"] = predictions.embedding_ND
        for name, values in named.items():
            if name not in self.outputs:
                self.outputs[name] = np.empty((self.num_rows, *values.shape[1:]), dtype=values.dtype)
            self.outputs[name][rows_B] = values[picks_B]
        self.num_missing -= len(rows_B)
        if self.num_missing == 0 and settle(self.future):
            self.future.set_result(Answered(self.served, self._predictions()))

    def fail(self, error: Exception) -> None:
        """End the job with an error, unless its client has gone or it has ended already."""
        if settle(self.future):
            self.future.set_exception(error)

    def _predictions(self) -> Predictions:
        outputs = {name: values for name, values in self.outputs.items() if not name.startswith("_")}
        named = self.outputs
        return Predictions(outputs, named.get("_embedding"), named["_num_tokens"], named["_truncated"])


class Row(NamedTuple):
    """One tokenised row, waiting for the model."""

    job: Job
    place: int
    """Which of its job's rows it is."""
    encoded: Encoded
    """It alone."""

    @property
    def num_tokens(self) -> int:
        """Tokens that the model reads for it."""
        return len(self.encoded.ids[0])


def settle(future: Future[Answered]) -> bool:
    """Win the right to end a future; False when it has ended or its client has gone."""
    with _SETTLING:
        return not (future.done() or future.running()) and future.set_running_or_notify_cancel()


def row_of(job: Job, index: int, encoded: Encoded, position: int) -> Row:
    """Take one row out of tokenised ones; `index` is its place in the job, `position` its place there."""
    return Row(job, index, take(encoded, np.asarray([position])))


def asked_of(batch: Sequence[Row]) -> dict[str, list[Asked]]:
    """Return what the rows of a batch ask of a model that writes, as an argument of its `forward`; of others, none."""
    runtime = batch[0].job.served.runtime
    if not hasattr(runtime, "written_by") or runtime.task.view != "texts":
        return {}
    for row in batch:
        if row.job.listener is not None:
            row.job.listener.begin(row.num_tokens, bool(row.encoded.truncated_N[0]))
    keys = [row.job.listener.key if row.job.listener is not None else None for row in batch]
    return {"asked": [Asked(row.job.tell, key) for row, key in zip(batch, keys)]}


def joined(batch: Sequence[Row]) -> Encoded:
    """Put rows of several jobs together for one forward pass."""
    return join([row.encoded for row in batch])
