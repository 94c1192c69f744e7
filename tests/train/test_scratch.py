"""Start models that are made from the training rows."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tokenizers import Tokenizer

from oreline import registry
from oreline.errors import DataError, UsageError
from oreline.recipe import TrainOptions
from oreline.train.scratch import NewNetwork, _texts

NETWORK = NewNetwork("textcnn", {"filters": 4, "embedding_width": 8, "vocabulary": 100})


def task(name: str = "text_classification") -> object:
    """Return a task with two labels."""
    return registry.create("task", name, labels=["O", "B-X"])


def test_options_left_open_are_the_networks_own() -> None:
    filled = NETWORK.options_for(TrainOptions())
    assert (filled.learning_rate, filled.epochs) == (NETWORK.plug.learning_rate, NETWORK.plug.epochs)
    asked = NETWORK.options_for(TrainOptions(learning_rate=0.5, epochs=3.0))
    assert (asked.learning_rate, asked.epochs) == (0.5, 3.0)


def test_methods_that_need_to_know_something_are_refused() -> None:
    NETWORK.refuse_method("full")
    for method in ("lora", "head", "contrastive", "prompt", "zero_shot", "linear"):
        with pytest.raises(UsageError, match=f"the method {method!r} builds on what a start model knows"):
            NETWORK.refuse_method(method)


@pytest.mark.parametrize("name", ["chat", "seq2seq"])
def test_a_task_that_writes_is_refused(name: str) -> None:
    NETWORK.refuse_task("token_classification")
    with pytest.raises(UsageError, match=f"reads texts, and the task '{name}' writes them"):
        NETWORK.refuse_task(name)


def test_the_vocabulary_is_that_of_the_rows_it_is_given(tmp_path: Path) -> None:
    folder = NETWORK.make(tmp_path, ["a great film", "a great play"] * 5, 0)
    known = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    assert {"great", "[CLS]"} <= known.keys()
    assert not any("z" in piece for piece in known)


def test_words_of_tagged_rows_are_taken_out_of_their_lists(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": ['["New York", "is"]', None]})
    assert list(_texts(frame, task("token_classification"))) == ["New York is"]
    assert list(_texts(frame, task())) == ['["New York", "is"]']


def test_what_an_earlier_try_wrote_whole_is_left(tmp_path: Path) -> None:
    NETWORK.make(tmp_path, ["a great film"] * 5, 0)
    before = (tmp_path / "model.safetensors").stat().st_mtime_ns
    NETWORK.make(tmp_path, ["a great film"] * 5, 0)
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns == before


def test_rows_without_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no word"):
        NETWORK.make(tmp_path, ["", " "], 0)


def test_a_trial_says_what_a_step_takes() -> None:
    measured = NETWORK.trial([f"a great film {number}" for number in range(40)], TrainOptions())
    assert 0 < measured.step_s < 5
    assert measured.memory_bytes > 0


def test_its_name_is_what_the_user_writes() -> None:
    assert str(NewNetwork("transformer_tiny")) == "new:transformer-tiny"
