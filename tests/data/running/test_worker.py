"""What passes between a process and its workers; the processes themselves are tested in tests/engines."""

from __future__ import annotations

import io
import json
from typing import Any

import polars as pl
import pytest

from oreline import registry
from oreline.data.ledger import Notes
from oreline.data.running.engine import Job
from oreline.data.running.steps import Step
from oreline.data.running.worker import Answer, answer, frame_bytes, read_frame, serve
from oreline.errors import DataError, MissingExtraError, OrelineError, UsageError

FRAME = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["x", "a  longer text"], "n": [None, [1.5]]})
JOB = Job((Step("tidy", registry.create("operator", "normalize_text"), "edit"),))


def test_frames_survive_the_way() -> None:
    for frame in (FRAME, FRAME.clear(), FRAME.filter(pl.col("row_id") == "a:2")):
        assert read_frame(frame_bytes(frame)).equals(frame)
    part = pl.DataFrame({"text": ["x" * 100_000, "y"]}).slice(1)
    assert len(frame_bytes(part)) < 5000, "what is sent is the rows, not the strings they were cut from"


def test_an_answer_is_what_the_job_does_here() -> None:
    frame, notes = answer(JOB.told(), frame_bytes(FRAME)).item()
    here, noted = JOB.done((FRAME, Notes()))
    assert frame.equals(here)
    assert notes.lines().equals(noted.lines())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"kind": "DataError", "what": "bad", "where": "a:1", "allowed": "good", "remedy": "mend"}, DataError),
        ({"kind": "MissingExtraError", "what": "no x", "where": "", "allowed": "", "remedy": ""}, MissingExtraError),
        ({"kind": "Foreign", "what": "odd", "where": "", "allowed": "", "remedy": "", "trace": "T"}, OrelineError),
        ({"kind": "ModuleNotFoundError", "what": "no module", "name": "jieba"}, ModuleNotFoundError),
    ],
)
def test_errors_arrive_as_they_were(error: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        Answer(error=error).item()
    assert type(caught.value) is kind
    if isinstance(caught.value, OrelineError):
        assert (caught.value.what, caught.value.where) == (error["what"], error["where"])
    else:
        assert caught.value.name == "jieba"  # type: ignore[attr-defined]


def said(job: str) -> list[dict[str, Any]]:
    """Return what a worker says of a job and a frame."""
    rows = frame_bytes(FRAME)
    source = io.BytesIO(b"\n".join([json.dumps({"job": job}).encode(), json.dumps({"rows": len(rows)}).encode(), rows]))
    sink = io.BytesIO()
    serve(source, sink)
    sink.seek(0)
    found = []
    while line := sink.readline():
        found.append(json.loads(line))
        sink.read(found[-1].get("rows", 0) + found[-1].get("notes", 0))
    return found


def test_a_worker_says_where_it_is_and_what_came_of_it() -> None:
    at, done = said(JOB.told())
    assert at == {"at": "tidy"}
    assert set(done) == {"rows", "notes", "spent"}
    wrong = json.loads(JOB.told())
    wrong["steps"][0]["options"] = {"surprise": 1}
    [refused] = said(json.dumps(wrong))
    with pytest.raises(UsageError, match="has no option 'surprise'"):
        Answer(error=refused["error"]).item()
