"""Vectors for search: targets, what is relevant to a query, and judging by what is found."""

from __future__ import annotations

import json

import numpy as np
import pytest

from oreline.errors import DataError, UsageError
from oreline.evaluate.estimates import point_values
from oreline.runtime.windows import ragged
from oreline.tasks.embedding import Sought, Task, parse

PLACE = {"apple": [1.0, 0.0, 0.0], "pear": [0.9, 0.3, 0.0], "car": [0.0, 1.0, 0.2], "bus": [0.0, 0.9, 0.3]}


def embed(texts):
    """Vectors by the first word."""
    return np.asarray([PLACE[text.split()[0].lower().rstrip("?")] for text in texts], np.float32).reshape(-1, 3)


def test_a_target_is_a_text_or_says_more():
    assert parse("a text", 0) == Sought("a text")
    whole = json.dumps({"text_pair": "a", "label": "0.5", "negative": '["b", "c"]'})
    assert parse(whole, 0) == Sought("a", 0.5, ("b", "c"))
    assert parse('{"text_pair": "unfinished', 0).text.startswith("{"), "a text that only looks like more"
    assert not Sought("a", 0.0).fits
    assert Sought("a", 1.0).fits


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (" ", "no second text"),
        (None, "no second text"),
        ('{"text_pair": "a", "label": "same"}', "'same' is not a number"),
        ('{"text_pair": "a", "label": "nan"}', "not a number"),
    ],
)
def test_a_wrong_target_is_refused_with_its_row(target, said):
    with pytest.raises(DataError, match=said) as caught:
        Task().encode_target(["fine", target])
    assert caught.value.row == 1
    assert not Task().knows(target)


def test_options_come_from_labels():
    pair = '{{"text_pair": "{}", "label": "{}"}}'
    assert Task.options_from(["a", "b"]) == {"sizes": [], "graded": False, "range": [0.0, 1.0]}
    assert Task.options_from([pair.format("a", 1), pair.format("b", 0), pair.format("c", 1)])["graded"] is False
    assert Task.options_from([pair.format("a", 0), pair.format("b", 5)]) | {"sizes": []} == {
        "sizes": [],
        "graded": True,
        "range": [0.0, 5.0],
    }


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (["a", "a"], "all the same"),
        (['{"text_pair": "a", "label": "0"}', '{"text_pair": "b", "label": "0"}'], "0 of 2 pairs belong together"),
        (['{"text_pair": "a", "label": "3"}', '{"text_pair": "b", "label": "3"}'], "all pairs have the grade 3"),
    ],
)
def test_what_teaches_nothing_is_refused(targets, said):
    with pytest.raises(DataError, match=said):
        Task.options_from(targets)


@pytest.mark.parametrize("sizes", [[0], [64, 128], [64, 64], [1.5], [True]])
def test_sizes_are_whole_and_fall(sizes):
    with pytest.raises(UsageError, match="sizes are"):
        Task(sizes=sizes)


def test_a_query_is_judged_once_by_all_that_belongs_to_it():
    columns = {"text": ["apple?", "car?", "Apple? ", "car?"]}
    task = Task(sizes=[3, 2])
    targets = task.encode_target(
        [
            "pear tree",
            "bus stop",
            "apple  pie",
            '{"text_pair": "car wash", "label": "0", "negative": ["apple core", "Pear Tree"]}',
        ]
    )
    judged = task.judged(columns, targets, embed)
    assert judged.rows_N.tolist() == [0, 1]
    assert list(judged.targets) == [("pear tree", "apple  pie"), ("bus stop",)]
    # All second texts and negatives are looked through: pear tree, bus stop, apple pie, car wash, apple core.
    assert judged.scores[0][:, 0].tolist() == [3, 1]
    assert judged.scores[1][:, 0].tolist() == [2]
    assert judged.found == ["rank 1, 3: apple  pie", "rank 2: car wash"]
    figures = point_values(task, judged.targets, {"scores": judged.scores})
    assert figures["recall_at_1"] == pytest.approx((0.5 + 0) / 2)
    assert figures["mrr_at_10"] == pytest.approx((1 + 1 / 2) / 2)
    credit_N = task.credit(judged.targets, task.predicted(judged.scores))
    assert credit_N.mean() == pytest.approx(figures["ndcg_at_10"])


def test_grades_are_judged_by_their_order():
    columns = {"text": ["apple", "apple", "car"]}
    rows = [{"text_pair": "pear", "label": "4"}, {"text_pair": "bus", "label": "0"}, {"text_pair": "bus", "label": "5"}]
    task = Task(graded=True, range=[0, 5])
    judged = task.judged(columns, task.encode_target([json.dumps(row) for row in rows]), embed)
    assert judged.targets.tolist() == [0.8, 0.0, 1.0]
    figures = point_values(judged.task, judged.targets, {"scores": judged.scores})
    assert figures["spearman"] == pytest.approx(1.0)
    assert judged.task.view == "numbers"


def test_names_are_texts_or_ranks():
    task = Task()
    assert task.names(ragged([("a", "b"), ("c",)])) == ["a (and 1 more)", "c"]
    assert task.names(task.encode_target(["a"])) == ["a"]
    assert task.names(ragged([np.array([4.0, 1.0]), np.arange(1.0, 6.0)])) == ["rank 1, 4", "rank 1, 2, 3, …"]


def test_an_answer_is_a_vector_of_length_one():
    scores = Task().activate(np.array([[3.0, 4.0]], np.float32))
    assert Task().decode({"scores": scores}, {"text": ["a"]}) == [
        {"embedding": [pytest.approx(0.6), pytest.approx(0.8)]}
    ]
