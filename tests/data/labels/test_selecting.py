"""Which rows are selected: both arms, different rows, uncertain ones, every text once."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.data.labels.features import unit
from oreline.data.labels.selecting import Choice, select_rows, settling
from oreline.errors import UsageError


def pool(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """200 rows of four classes, each with a cloud; and four clouds of the first 40, where scores waver."""
    random = np.random.default_rng(seed)
    cloud = np.arange(200) % 4 + 4 * (np.arange(200) < 40)
    vectors = unit(np.eye(8)[cloud] + 0.05 * random.normal(size=(200, 8)))
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


def test_what_is_in_doubt_is_asked_first_and_in_every_region() -> None:
    vectors, scores = pool()
    choices = [choice for choice in select_rows(10, vectors, scores, seed=1) if choice.arm == "chosen"]
    rows = [choice.row for choice in choices]
    assert all(row < 40 for row in rows[:4])
    assert {row % 4 for row in rows[:4]} == {0, 1, 2, 3}
    assert choices[0].why.keys() == {"margin", "settles", "between"}
    assert choices[0].why["settles"] > choices[-1].why["settles"] > 0
    assert all(len(choice.why["between"]) == 2 for choice in choices)


def test_a_cold_start_takes_typical_rows_of_every_kind() -> None:
    vectors, _ = pool()
    choices = [choice for choice in select_rows(5, vectors, seed=0) if choice.arm == "chosen"]
    assert len({vectors[choice.row].argmax() for choice in choices}) == 4
    assert sum(choice.row < 40 for choice in choices) <= 1, "large clouds first; a row of one was drawn at random"
    assert [set(choice.why) for choice in choices] == [{"settles"}] * 4
    odd = np.concatenate([np.pad(vectors, ((0, 0), (0, 1))), np.eye(9)[[8]]]).astype(np.float32)
    assert 200 not in {choice.row for choice in select_rows(5, odd, seed=1) if choice.arm == "chosen"}, (
        "one of its kind"
    )


def test_what_is_labelled_already_is_not_asked_again() -> None:
    vectors, _ = pool()
    known = np.repeat(vectors[[40, 41]], 30, axis=0)
    chosen = [choice.row for choice in select_rows(4, vectors, known_LD=known, seed=2) if choice.arm == "chosen"]
    assert not {row % 4 for row in chosen if row >= 40} & {0, 1}


def test_steps_and_sums_made_anew_agree() -> None:
    """Updates of rank one keep what an inversion would say: the greedy choice by brute force."""
    random = np.random.default_rng(4)
    vectors = unit(random.normal(size=(40, 5)))
    doubt, known = random.random(40), vectors[:3]
    rows, shares = settling(12, vectors, doubt, known)

    def varies(labelled: list[int]) -> float:
        some = np.concatenate([known, vectors[labelled]])
        covariance = np.linalg.inv(0.5 * np.eye(5) + some.T @ some)
        return float((doubt * np.einsum("nd,de,ne->n", vectors, covariance, vectors)).mean())

    taken: list[int] = []
    for row, share in zip(rows.tolist(), shares.tolist()):
        gains = {other: varies(taken) - varies([*taken, other]) for other in range(40) if other not in taken}
        assert gains[row] == pytest.approx(max(gains.values()), rel=1e-3)
        assert share == pytest.approx(gains[row] / varies([]), rel=1e-3)
        taken.append(row)


def test_a_text_is_labelled_once() -> None:
    vectors, scores = pool()
    copies = np.arange(200) // 10
    choices = select_rows(200, vectors, scores, copies_N=copies)
    assert len(choices) == 20
    assert len({copies[choice.row] for choice in choices}) == 20


def test_rows_that_are_all_alike_and_a_model_that_is_sure_of_all() -> None:
    same = np.ones((6, 2), np.float32)
    assert len({choice.row for choice in select_rows(6, same)}) == 6
    sure = np.tile([1.0, 0.0], (6, 1))
    assert len({choice.row for choice in select_rows(4, same, sure)}) == 4


@pytest.mark.parametrize(("num", "share"), [(0, 0.2), (5, 0.0), (5, 1.0)])
def test_impossible_wishes(num: int, share: float) -> None:
    with pytest.raises(UsageError, match="at random"):
        select_rows(num, np.ones((3, 2), np.float32), random_share=share)
