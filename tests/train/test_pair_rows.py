"""Which texts belong together, and which pairs make which step."""

from __future__ import annotations

import numpy as np

from oreline.tasks.embedding import Sought
from oreline.train.pair_rows import PairRows

QUERIES = ["what is it", "What  is it", "where is it", "who is it", "where is it"]
TARGETS = [
    Sought("a thing"),
    Sought("an item"),
    Sought("over there", negatives=("a thing", "nowhere")),
    Sought("Nobody"),
    Sought("a place", score=0.0),
]


def rows() -> PairRows:
    return PairRows(QUERIES, TARGETS, graded=False)


def number(text: str) -> int:
    return rows().texts.index(text)


def test_texts_that_fold_alike_count_as_one():
    made = rows()
    assert len(made) == 4, "the pair that does not belong together is no row"
    assert made.query_N[0] == made.query_N[1] == number("what is it")
    assert made.relevant[number("what is it")] == {number("a thing"), number("an item")}
    assert made.negatives[number("where is it")] == [number("a thing"), number("nowhere"), number("a place")]


def test_relevant_texts_and_the_query_itself_are_known():
    made = rows()
    candidates = np.array([number(text) for text in ("a thing", "an item", "over there", "where is it")])
    known_BC = made.known(np.array([number("what is it"), number("where is it")]), candidates)
    assert known_BC.tolist() == [[True, True, False, False], [False, False, True, True]]


def test_an_epoch_has_each_pair_once_with_negatives_of_its_own():
    made = rows()
    given = {"rows_per_step": 3, "num_negatives": 2, "seed": 0, "mined": None}
    steps = made.steps(epoch=0, **given)
    assert sorted(row for step in steps for row in step.rows_B.tolist()) == [0, 1, 2, 3]
    assert [len(step.rows_B) for step in steps] == [2, 2], "steps of nearly equal size: a lone pair learns nothing"
    [asked] = [step for step in steps if 2 in step.rows_B]
    assert 1 <= len(asked.negatives) <= 2
    assert set(asked.negatives.tolist()) <= set(made.negatives[number("where is it")])
    again = made.steps(epoch=0, **given)
    assert [step.rows_B.tolist() for step in again] == [step.rows_B.tolist() for step in steps]
    assert any(
        [step.rows_B.tolist() for step in made.steps(epoch=epoch, **given)] != [step.rows_B.tolist() for step in steps]
        for epoch in (1, 2, 3)
    )


def test_mined_texts_join_a_step():
    made = rows()
    mined = [np.array([number("Nobody")])] * 4
    steps = made.steps(rows_per_step=4, num_negatives=1, seed=0, epoch=0, mined=mined)
    assert number("Nobody") in steps[0].negatives


def test_graded_pairs_are_all_kept():
    made = PairRows(["a", "b"], [Sought("c", score=0.0), Sought("d", score=2.5)], graded=True)
    assert made.grades_N is not None
    assert made.grades_N.tolist() == [0.0, 2.5]
