"""A process that works on frames for another one: jobs and frames come in, frames and notes go out.

What passes between the two is JSON, one line each, and Arrow IPC streams whose sizes the line before names. Nothing is
pickled. The line of a frame is answered by one line for each operator that begins (`{"at": …}`), so that whoever
waits knows which one it was that killed the process, and then by the rows or by an error.

    → {"job": "…"}                        ← nothing
    → {"rows": 1234} + bytes              ← {"at": "clean"} … {"rows": 1200, "notes": 80, "spent": …} + bytes
                                          ← {"error": {"kind": "DataError", "what": …}}
"""

from __future__ import annotations

import functools
import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import polars as pl

from oreline import errors
from oreline.data.ledger import Notes
from oreline.data.running.engine import Item, Job
from oreline.data.running.steps import unwatched
from oreline.errors import OrelineError

_PARTS = ("what", "where", "allowed", "remedy")
MISSING = "ModuleNotFoundError"
"""Kind of the error that an extra is not installed: the process that asked names it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker said of one frame: rows and lines of the ledger as Arrow IPC streams, or an error."""

    rows: bytes = b""
    notes: bytes = b""
    error: Mapping[str, Any] | None = None
    spent: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    """For each operator, its processor seconds and the rows that it was given."""

    def item(self) -> Item:
        """Return the rows with their notes. Raises the error that the operator raised."""
        if self.error is not None:
            raise _raised(self.error)
        notes = Notes(read_frame(self.notes) if self.notes else None)
        for name, (seconds, rows) in self.spent.items():
            notes.spent_s[name], notes.rows_given[name] = seconds, rows
            notes.elsewhere_s += seconds
        return read_frame(self.rows), notes


def answer(told: str, rows: bytes, begins: Callable[[str], None] = unwatched) -> Answer:
    """Work on one frame by a job that was told as JSON; errors are part of the answer."""
    try:
        frame, notes = _heard(told).done((read_frame(rows), Notes()), begins)
        lines = notes.lines()
        spent = {name: (seconds, notes.rows_given[name]) for name, seconds in notes.spent_s.items()}
        return Answer(frame_bytes(frame), frame_bytes(lines) if lines.height else b"", spent=spent)
    except ModuleNotFoundError as error:
        return Answer(error={"kind": MISSING, "what": str(error), "name": error.name})
    except OrelineError as error:
        parts = {part: getattr(error, part) for part in _PARTS}
        return Answer(error={"kind": type(error).__name__, **parts, "trace": traceback.format_exc()})


def frame_bytes(frame: pl.DataFrame) -> bytes:
    """Return a frame as an Arrow IPC stream."""
    stream = io.BytesIO()
    frame.write_ipc_stream(stream)
    return stream.getvalue()


def read_frame(content: bytes) -> pl.DataFrame:
    """Return the frame of an Arrow IPC stream."""
    return pl.read_ipc_stream(content)


def main() -> None:
    """Answer the process that started this one until it closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the one that asks ends this one
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    serve(source, sink)


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests of one stream on another until the first one ends."""
    told = ""
    while line := source.readline():
        request = json.loads(line)
        if "job" in request:
            told = request["job"]
            continue
        given = answer(told, source.read(request["rows"]), lambda name: _say(sink, {"at": name}))
        if given.error is not None:
            _say(sink, {"error": given.error})
        else:
            sizes = {"rows": len(given.rows), "notes": len(given.notes), "spent": given.spent}
            _say(sink, sizes, given.rows, given.notes)


@functools.lru_cache(maxsize=8)
def _heard(told: str) -> Job:
    return Job.heard(told)


def _say(sink: BinaryIO, line: Mapping[str, Any], *parts: bytes) -> None:
    sink.write(json.dumps(line).encode() + b"\n")
    for part in parts:
        sink.write(part)
    sink.flush()


def _raised(error: Mapping[str, Any]) -> Exception:
    """Return the exception that a worker told of."""
    if error["kind"] == MISSING:
        return ModuleNotFoundError(error["what"], name=error["name"])
    kind = getattr(errors, error["kind"], OrelineError)
    # Not by its constructor: some kinds take other arguments.
    raised: OrelineError = kind.__new__(kind)
    OrelineError.__init__(raised, **{part: error[part] for part in _PARTS})
    if error.get("trace"):
        raised.add_note(str(error["trace"]))
    return raised


if __name__ == "__main__":
    main()
