"""Predict rows as they come: in order, batched by length, without holding more than a window of them.

A thread reads ahead, so that reading and predicting overlap, and a window is cut when it is full **or when no further
row has come for a moment**: somebody who types lines into a pipe gets an answer to each, while a file is cut into
the same full windows every time.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from oreline.errors import DataError, did_you_mean
from oreline.types import Event, OnEvent, Runtime, Task, ignore

_POLL_S = 0.1
"""How often a reader that waits for room looks whether anybody still wants its rows."""


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    values: Mapping[str, Any]


_End = Exception | None
"""What ends the rows: nothing, or what reading raised."""


def predict_stream(
    runtime: Runtime,
    rows: Iterable[Mapping[str, Any]],
    *,
    window: int = 4096,
    linger_s: float = 0.2,
    on_event: OnEvent = ignore,
) -> Iterator[dict[str, Any]]:
    """Yield an answer for each row, in order: `{"id", "label", "scores"}`, and `"truncated": true` where cut.

    Args:
        runtime: an opened model.
        rows: the task's input columns by role; `id` (else `row_id`, else the row's number from 1) names the answer.
        window: rows that are sorted by length and predicted together.
        linger_s: time without a further row after which the rows at hand are answered.
        on_event: told how many rows were cut, after the last one.

    Raises:
        DataError: a row lacks an input column, or its value is no text. The rows before it have been answered.
    """
    num_rows = num_cut = 0
    for part, end in _windows(rows, window, linger_s):
        good, fault = _checked(part, runtime.task)
        for answer in _predict(runtime, good):
            num_cut += "truncated" in answer
            yield answer
        if fault or end:
            raise fault or end  # type: ignore[misc]
        num_rows += len(good)
    if num_cut:
        limit = runtime.artifact.manifest.max_tokens
        message = f"warning: {num_cut:,} of {num_rows:,} texts had more than {limit} tokens and were cut"
        on_event(Event("predict", num_rows, num_rows, {"rows_cut": num_cut}, message))


def _predict(runtime: Runtime, rows: list[_Row]) -> Iterator[dict[str, Any]]:
    if not rows:
        return
    columns = {role: [row.values[role] for row in rows] for role in runtime.task.inputs}
    predictions = runtime.predict(columns)
    answers = runtime.task.decode(predictions.outputs, columns)
    for row, answer, truncated in zip(rows, answers, predictions.truncated_N, strict=True):
        named = {"id": row.values.get("id", row.values.get("row_id", row.number)), **answer}
        yield {**named, "truncated": True} if truncated else named


def _checked(rows: list[_Row], task: Any) -> tuple[list[_Row], DataError | None]:
    """Return the rows before the first wrong one, in the task's own form, and what is wrong with that one."""
    good: list[_Row] = []
    for row in rows:
        try:
            named = _Row(row.number, task.as_read(row.values)) if hasattr(task, "as_read") else row
        except DataError as error:
            error.where = error.where or f"row {row.number}"
            return good, error
        for role in task.inputs:
            if fault := _fault(named, role):
                return good, fault
        if fault := _unread(named, task):
            return good, fault
        good.append(named)
    return good, None


def _fault(row: _Row, role: str) -> DataError | None:
    where = str(row.values.get("row_id", f"row {row.number}"))
    if role not in row.values:
        return DataError(
            f"the row has no {role!r}",
            where=where,
            allowed=did_you_mean(role, map(str, row.values)),
            remedy=f'send JSON Lines such as {{"{role}": "…"}}, or rename the column',
        )
    value = row.values[role]
    if not isinstance(value, str):
        return DataError(f"{role!r} is {_shown(value)}, not a text", where=where, remedy=_remedy(value))
    try:
        value.encode()
    except UnicodeEncodeError as error:
        return DataError(
            f"{role!r} has a lone surrogate {value[error.start]!a} at character {error.start}",
            where=where,
            allowed="Unicode text",
            remedy="repair the row's encoding: half of a pair such as an emoji's was cut off",
        )
    return None


def _unread(row: _Row, task: Task) -> DataError | None:
    """Return what the task itself finds wrong with a row."""
    check = getattr(task, "fault", None)
    fault: DataError | None = check(row.values) if check is not None else None
    if fault is not None:
        fault.where = str(row.values.get("row_id", f"row {row.number}"))
    return fault


def _remedy(value: Any) -> str:
    return "leave the row out, or give it a text" if value is None else "put the text in quotes"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _windows(rows: Iterable[Mapping[str, Any]], window: int, linger_s: float) -> Iterator[tuple[list[_Row], _End]]:
    """Yield rows in windows, and with the last one what ended them."""
    # Twice a window: one is predicted while the next is read.
    waiting: queue.Queue[_Row | _Finished] = queue.Queue(maxsize=2 * window)
    is_over = threading.Event()
    threading.Thread(target=_read, args=(rows, waiting, is_over), name="oreline-read", daemon=True).start()
    try:
        while True:
            part, item = [], waiting.get()
            while isinstance(item, _Row):
                part.append(item)
                if len(part) == window:
                    break
                try:
                    item = waiting.get(timeout=linger_s)
                except queue.Empty:
                    break
            if isinstance(item, _Finished):
                yield part, item.error
                return
            yield part, None
    finally:
        is_over.set()


@dataclass(frozen=True, slots=True)
class _Finished:
    error: _End


def _read(rows: Iterable[Mapping[str, Any]], waiting: queue.Queue[_Row | _Finished], is_over: threading.Event) -> None:
    try:
        for number, values in enumerate(rows, start=1):
            if not _put(_Row(number, values), waiting, is_over):
                return
        _put(_Finished(None), waiting, is_over)
    except Exception as error:
        _put(_Finished(error), waiting, is_over)


def _put(item: _Row | _Finished, waiting: queue.Queue[_Row | _Finished], is_over: threading.Event) -> bool:
    """Put an item when there is room; return False when nobody wants it any more."""
    while not is_over.is_set():
        try:
            waiting.put(item, timeout=_POLL_S)
        except queue.Full:
            continue
        return True
    return False
