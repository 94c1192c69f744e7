"""When choosing rows has stopped to help."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.metrics import cohen_kappa_score

from oreline.data.labels.rounds import (
    Round,
    Rounds,
    as_facts,
    difference_interval,
    judge,
    kappa,
    read_rounds,
    write_rounds,
)
from oreline.errors import DataError


def past(right_chosen: int, right_random: int, each: int = 40) -> tuple[Rounds, dict[str, str]]:
    """One round, of which the model was right on so many rows of each arm, and the rows' labels."""
    selected, truth = {}, {}
    for arm, right in (("chosen", right_chosen), ("random", right_random)):
        for number in range(each):
            row = f"{arm}:{number}"
            selected[row] = [arm, "x" if number < right else "y"]
            truth[row] = "x"
    return Rounds([Round(100, selected)]), truth


def test_it_helps_while_chosen_rows_are_harder() -> None:
    verdict = judge(*past(10, 35))
    assert verdict.helps is True
    assert verdict.arms == {"chosen": (10, 40), "random": (35, 40)}
    assert "choosing helps" in verdict.sentence
    assert as_facts(verdict)["right_on_random"] == 0.875


def test_it_no_longer_helps_when_chosen_rows_are_no_harder() -> None:
    verdict = judge(*past(36, 37))
    assert verdict.helps is False
    assert "label at random" in verdict.sentence


def test_it_is_too_early_with_few_labels() -> None:
    state, truth = past(1, 9, each=10)
    assert judge(state, truth).helps is None
    assert judge(Rounds(), {}).helps is None
    assert judge(*past(10, 35)[:1], {}).helps is None, "selected, but not labelled yet"


def test_small_rounds_are_compared_over_more_of_them() -> None:
    """Eight random rows a round are 24 in three rounds: a verdict would never come."""
    state, truth = Rounds(), {}
    for number in range(5):
        one, labels = past(2, 7, each=8)
        state.rounds.append(Round(100, {f"{number}:{row}": told for row, told in one.rounds[0].selected.items()}))
        truth |= {f"{number}:{row}": label for row, label in labels.items()}
    verdict = judge(state, truth)
    assert verdict.helps is True
    assert verdict.arms == {"chosen": (8, 32), "random": (28, 32)}, "the latest four rounds"


def test_models_that_say_the_same_stop_it() -> None:
    rounds = [Round(n, kappa=0.995) for n in (10, 20, 30)]
    assert judge(Rounds(rounds), {}).helps is False
    rounds[1].kappa = 0.9
    assert judge(Rounds(rounds), {}).helps is None


def test_kappa_is_cohens() -> None:
    first = dict(zip("abcdefgh", "xxyyzzxy"))
    second = dict(zip("abcdefgh", "xyyyzxxy"))
    assert kappa(first, second) == pytest.approx(cohen_kappa_score([*first.values()], [*second.values()]), abs=1e-6)
    assert kappa(first, {}) is None
    assert kappa({"a": "x"}, {"a": "x"}) == 1.0


def test_the_interval_of_a_difference_is_newcombes() -> None:
    low, high = difference_interval(9, 10, 3, 10)
    assert (round(low, 4), round(high, 4)) == (0.1705, 0.8090), "his table II, case (b)"


def test_the_state_is_kept(tmp_path: Path) -> None:
    state, truth = past(10, 35)
    state.sample = {"a:1": "退款"}
    write_rounds(tmp_path / "rounds.json", state)
    assert read_rounds(tmp_path / "rounds.json") == state
    assert read_rounds(tmp_path / "none.json") == Rounds()
    (tmp_path / "rounds.json").write_text("{}")
    with pytest.raises(DataError, match="cannot be read"):
        read_rounds(tmp_path / "rounds.json")
