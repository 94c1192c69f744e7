"""A task that needs its rows' texts gets them, another stays as it is."""

from __future__ import annotations

import pytest

from oreline.errors import DataError
from oreline.tasks import question_answering, relation, text_classification
from oreline.tasks.reading import reading, refuse_unreadable


def test_only_a_task_with_places_is_bound() -> None:
    plain = text_classification.Task(labels=["a", "b"])
    assert reading(plain, {"text": ["x"]}) is plain
    asked = question_answering.Task()
    assert reading(asked, None) is asked
    bound = reading(asked, {"text": ["?"], "text_pair": ["in 1912"]})
    assert bound.encode_target(["1912"])[0][0][1:] == (3, 7, 1, 1)
    assert asked.encode_target(["1912"])[0][0][1:] == (-1, -1, -1, -1)


def test_the_first_row_that_cannot_be_read_is_named() -> None:
    refuse_unreadable(text_classification.Task(labels=["a", "b"]), {"text": ["anything"]})
    task = relation.Task(labels=["a", "b"])
    refuse_unreadable(task, {"text": ["<e1>a</e1> <e2>b</e2>"]})
    with pytest.raises(DataError, match="no <e2>") as caught:
        refuse_unreadable(task, {"text": ["<e1>a</e1> <e2>b</e2>", "<e1>a</e1> b"]})
    assert caught.value.row == 1
