"""Which rows are selected: both arms, different rows, uncertain ones, every text once."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.data.labels.features import unit
from oreline.data.labels.selecting import Choice, clusters, select_rows
from oreline.errors import UsageError


def pool(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """200 rows in four clouds, with scores that waver in the first 40."""
    random = np.random.default_rng(seed)
    vectors = unit(np.eye(4)[np.arange(200) % 4] + 0.05 * random.normal(size=(200, 4)))
    scores = np.full((200, 4), 0.02)
    scores[np.arange(200), np.arange(200) % 4] = 0.94
    scores[:40] = 0.1
    scores[np.arange(40), np.arange(40) % 4] = 0.36
    scores[np.arange(40), (np.arange(40) + 1) % 4] = 0.34
    return vectors, scores / scores.sum(axis=1, keepdims=True)


def arms(choices: list[Choice]) -> dict[str, list[int]]:
    return {arm: [choice.row for choice in choices if choice.arm == arm] for arm in ("chosen", "random")}


def test_the_random_arm_is_always_there_and_no_row_is_taken_twice() -> None:
    vectors, scores = pool()
    for given in (scores, None):
        choices = select_rows(20, vectors, given, random_share=0.25, seed=3)
        found = arms(choices)
        assert [len(found["chosen"]), len(found["random"])] == [15, 5]
        assert len({choice.row for choice in choices}) == 20
        assert choices == select_rows(20, vectors, given, random_share=0.25, seed=3)
    assert len(arms(select_rows(1, vectors, scores))["random"]) == 1
    assert len(select_rows(500, vectors, scores)) == 200, "a pool that is smaller is taken whole"


def test_chosen_rows_are_uncertain_and_of_every_class() -> None:
    vectors, scores = pool()
    choices = [choice for choice in select_rows(10, vectors, scores, seed=1) if choice.arm == "chosen"]
    rows = [choice.row for choice in choices]
    assert np.mean([row < 40 for row in rows]) > 0.6
    assert {row % 4 for row in rows} == {0, 1, 2, 3}
    assert choices[0].why.keys() == {"margin", "cluster", "between"}
    assert all(len(choice.why["between"]) == 2 for choice in choices)


def test_a_cold_start_takes_the_middles_of_clusters() -> None:
    vectors, _ = pool()
    choices = [choice for choice in select_rows(5, vectors, seed=0) if choice.arm == "chosen"]
    assert {choice.row % 4 for choice in choices} == {0, 1, 2, 3}
    assert sum(choice.why["rows_in_cluster"] for choice in choices) == 199, "one row was drawn at random before"


def test_a_text_is_labelled_once() -> None:
    vectors, scores = pool()
    copies = np.arange(200) // 10
    choices = select_rows(200, vectors, scores, copies_N=copies)
    assert len(choices) == 20
    assert len({copies[choice.row] for choice in choices}) == 20


def test_fewer_different_rows_than_clusters() -> None:
    same = np.ones((6, 2), np.float32)
    assert len(set(clusters(same, 4, np.random.default_rng(0)).tolist())) <= 4
    assert len(select_rows(4, same)) == 4


@pytest.mark.parametrize(("num", "share"), [(0, 0.2), (5, 0.0), (5, 1.0)])
def test_impossible_wishes(num: int, share: float) -> None:
    with pytest.raises(UsageError, match="at random"):
        select_rows(num, np.ones((3, 2), np.float32), random_share=share)
