"""Answers that are texts: their credit, their lengths, their JSON form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.errors import DataError, UsageError
from oreline.recipe import TrainOptions
from oreline.runtime.windows import ragged
from oreline.tasks.seq2seq import Task
from oreline.types import Written


@given(texts=st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), min_size=1, max_size=5))
def test_credit_is_full_for_the_very_text_and_never_outside(texts):
    true, answers = (ragged(part) for part in zip(*texts))
    task = Task()
    assert task.credit(true, true).tolist() == [1.0] * len(true)
    assert ((task.credit(true, answers) >= 0) & (task.credit(true, answers) <= 1)).all()


def test_closer_texts_have_more_credit():
    true = ragged(["a dull film"] * 3)
    near, far, none = Task().credit(true, ragged(["a dull movie", "great", ""]))
    assert 1 > near > far >= none == 0


def test_answers_are_the_best_of_several():
    task, rows = Task(), ragged([Written(("a", "b"), (0.5, 0.25)), Written(("",), (0.1,))])
    assert task.predicted(rows).tolist() == ["a", ""]
    assert task.decode({"scores": rows}, {"text": ["x", "y"]}) == [
        {"text": "a", "probability": 0.5, "others": [{"text": "b", "probability": 0.25}]},
        {"text": "", "probability": 0.1},
    ]
    assert task.outcomes(task.predicted(rows)) == ["1 to 2 words", "empty"]


@pytest.mark.parametrize(
    ("target", "said"), [("", "is empty"), (" \n", "is empty"), (3, "not a text"), (None, "not a")]
)
def test_what_is_no_answer_is_refused_by_its_row(target, said: str):
    assert not Task().knows(target)
    with pytest.raises(DataError, match=said) as caught:
        Task().encode_target(["fine", target])
    assert caught.value.row == 1


def test_how_it_writes_travels_in_the_options():
    task = Task().with_generation({"num_beams": 4}).with_generation({"max_new_tokens": 7})
    assert task.options == {"generation": {"num_beams": 4, "max_new_tokens": 7}}
    assert Task(**task.options).generation == task.generation
    told = task.prepared(None, None, TrainOptions(generation={"length_penalty": 2.0}))
    assert told.generation.length_penalty == 2.0
    assert told.generation.num_beams == 4
    with pytest.raises(UsageError, match="no setting"):
        Task(generation={"beams": 4})


def test_mean_log_probabilities_become_probabilities():
    found = Task().activate(np.array([[-1.0], [1e-9]]))
    assert found[:, 0].tolist() == pytest.approx([np.exp(-1), 1.0])
