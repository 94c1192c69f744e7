"""Streaming prediction: in order, prompt, bounded, and exact about what is wrong."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.errors import DataError
from oreline.runtime.linear import LinearModel, Runtime, write_model
from oreline.runtime.open import open_runtime
from oreline.runtime.stream import predict_stream
from oreline.store import Manifest, seal, writing
from oreline.types import Columns, Event, Predictions


class WatchedRuntime(Runtime):
    """The real linear model, which notes how many rows it was given at once and can pretend to cut."""

    def __init__(self, artifact) -> None:
        super().__init__(artifact)
        self.sizes: list[int] = []

    def predict(self, columns: Columns, *, embeddings: bool = False) -> Predictions:
        self.sizes.append(len(columns["text"]))
        predictions = super().predict(columns, embeddings=embeddings)
        truncated_N = np.asarray([len(text) > 1000 for text in columns["text"]])
        return Predictions(predictions.outputs, None, predictions.num_tokens_N, truncated_N)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose score of `b` tells how many letters b a text has for each a."""
    folder = tmp_path_factory.mktemp("stream") / "model"
    manifest = Manifest(runtime="linear", task="text_classification", task_options={"labels": ["a", "b"]})
    with writing(folder) as temporary:
        write_model(temporary, LinearModel(1, 1, ["a", "b"], np.ones(2), np.eye(2) * 3, np.zeros(2)))
        seal(temporary, manifest)
    return folder


@pytest.fixture
def runtime(folder: Path) -> WatchedRuntime:
    return WatchedRuntime(open_runtime(folder).artifact)


def _rows(texts: list[str]) -> list[dict[str, str]]:
    return [{"text": text} for text in texts]


@settings(deadline=None, max_examples=40)
@given(texts=st.lists(st.text("ab", max_size=12), max_size=40), window=st.integers(1, 12))
def test_any_window_gives_the_same_answers_in_order(folder: Path, texts: list[str], window: int) -> None:
    runtime = WatchedRuntime(open_runtime(folder).artifact)
    answers = list(predict_stream(runtime, iter(_rows(texts)), window=window))
    assert [answer["id"] for answer in answers] == list(range(1, len(texts) + 1))
    assert max(runtime.sizes, default=0) <= window
    if texts:
        expected = runtime.task.decode(open_runtime(folder).predict({"text": texts}).outputs, {})
        assert [{"label": a["label"], "scores": a["scores"]} for a in answers] == expected


def test_ids_are_those_of_the_rows(runtime: WatchedRuntime) -> None:
    rows = [{"text": "a", "id": "x7"}, {"text": "b", "row_id": "f.csv:2"}, {"text": "a", "other": 1}]
    assert [answer["id"] for answer in predict_stream(runtime, rows)] == ["x7", "f.csv:2", 3]


def test_full_windows_are_cut_from_a_file(runtime: WatchedRuntime) -> None:
    assert len(list(predict_stream(runtime, _rows(["a"] * 25), window=10, linger_s=5))) == 25
    assert runtime.sizes == [10, 10, 5]


def test_no_rows_give_no_answers(runtime: WatchedRuntime) -> None:
    assert list(predict_stream(runtime, [])) == []


def test_a_row_typed_into_a_pipe_is_answered_while_the_pipe_stays_open(runtime: WatchedRuntime) -> None:
    typed: queue.Queue[str | None] = queue.Queue()
    stream = predict_stream(runtime, _rows_from(typed), linger_s=0.05)
    for turn, label in enumerate("abba"):
        typed.put(label)
        assert next(stream)["label"] == label, turn  # hangs (and times out) if it waited for more input
    typed.put(None)
    assert list(stream) == []


def _rows_from(typed: queue.Queue[str | None]) -> Iterator[dict[str, str]]:
    while (text := typed.get()) is not None:
        yield {"text": text}


def test_reading_stays_a_bounded_distance_ahead(runtime: WatchedRuntime) -> None:
    num_read = 0

    def endless() -> Iterator[dict[str, str]]:
        nonlocal num_read
        while True:
            num_read += 1
            yield {"text": "a"}

    stream = predict_stream(runtime, endless(), window=10)
    for _ in range(35):
        next(stream)
    assert num_read <= 35 + 10 + 2 * 10 + 2
    stream.close()


def test_the_reader_ends_when_nobody_listens(runtime: WatchedRuntime) -> None:
    before = threading.active_count()
    stream = predict_stream(runtime, ({"text": "a"} for _ in itertools.count()), window=5)
    next(stream)
    stream.close()
    until = time.monotonic() + 60
    while threading.active_count() > before:
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("row", "what", "allowed"),
    [
        ({"txt": "a"}, "the row has no 'text'", "did you mean 'txt'?"),
        ({"text": None}, "'text' is None, not a text", ""),
        ({"text": 5}, "'text' is 5, not a text", ""),
        ({"text": "ab\ud800"}, r"'text' has a lone surrogate '\ud800' at character 2", "Unicode text"),
    ],
)
def test_a_wrong_row_is_named_after_those_before_it_were_answered(
    runtime: WatchedRuntime, row: dict, what: str, allowed: str
) -> None:
    stream = predict_stream(runtime, [*_rows(["a", "b"]), row, *_rows(["a"])])
    assert [answer["label"] for answer in itertools.islice(stream, 2)] == ["a", "b"]
    with pytest.raises(DataError) as caught:
        next(stream)
    assert caught.value.what == what
    assert caught.value.where == "row 3"
    assert caught.value.allowed.startswith(allowed)


def test_a_row_that_knows_its_place_is_named_by_it(runtime: WatchedRuntime) -> None:
    with pytest.raises(DataError) as caught:
        list(predict_stream(runtime, [{"text": 1.5, "row_id": "in.jsonl:10000"}]))
    assert caught.value.where == "in.jsonl:10000"


def test_what_reading_raises_comes_after_the_rows_before_it(runtime: WatchedRuntime) -> None:
    def broken() -> Iterator[dict[str, str]]:
        yield from _rows(["a", "b"])
        raise DataError("broken UTF-8", where="in.jsonl:3")

    stream = predict_stream(runtime, broken())
    assert [answer["label"] for answer in itertools.islice(stream, 2)] == ["a", "b"]
    with pytest.raises(DataError, match="broken UTF-8"):
        next(stream)


def test_cut_texts_are_marked_counted_and_told_of(runtime: WatchedRuntime) -> None:
    events: list[Event] = []
    answers = list(predict_stream(runtime, _rows(["a", "b" * 100_000, "a"]), on_event=events.append))
    assert [answer.get("truncated", False) for answer in answers] == [False, True, False]
    assert [event.message for event in events] == ["warning: 1 of 3 texts had more than 512 tokens and were cut"]
    assert events[0].values == {"rows_cut": 1}


def test_a_task_says_which_rows_it_cannot_read_and_reads_others_in_another_form(triple_models) -> None:
    runtime = open_runtime(triple_models[1])
    rows = [
        {"text": "the great with dull", "head": [4, 9, "PER"], "tail": [15, 19, "ORG"]},
        {"text": "the <e1:PER>great</e1> with <e2:ORG>dull</e2>"},
        {"text": "no marks", "row_id": "f:3"},
    ]
    answers = predict_stream(runtime, rows)
    first, second = next(answers), next(answers)
    assert first["scores"] == second["scores"]
    with pytest.raises(DataError, match="no relation can be told") as caught:
        next(answers)
    assert caught.value.where == "f:3"
