"""A number for each text: units, credit, counting."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.errors import DataError
from oreline.tasks.regression import Task


def test_targets_are_learnt_in_units_of_their_spread():
    options = Task.options_from([1, "2.0", 3.0, 4])
    assert options == {"mean": 2.5, "spread": pytest.approx(1.118, abs=1e-3), "cuts": [1.75, 2.5, 3.25]}
    task = Task(**options)
    scaled_N = task.encode_target([1, 4])
    np.testing.assert_allclose(scaled_N, [-1.3416, 1.3416], atol=1e-4)
    np.testing.assert_allclose(task.values(scaled_N), [1, 4])
    assert task.names(scaled_N) == ["1", "4"]
    assert task.decode({"scores": np.array([[0.0], [1.0]])}, {}) == [{"value": 2.5}, {"value": pytest.approx(3.618034)}]


def test_credit_falls_with_the_error_and_ends_at_one_spread():
    task = Task(mean=0, spread=2)
    np.testing.assert_allclose(task.credit(np.zeros(4), np.array([0, 0.25, -1, 3])), [1, 0.75, 0, 0])


def test_answers_are_counted_by_quarters_of_the_training_targets():
    task = Task(mean=0, spread=1, cuts=[-1, 0, 1.5])
    assert task.outcomes(np.array([-3, -1, -0.5, 0, 1.5])) == ["below -1", "-1 to 0", "-1 to 0", "0 to 1.5", "from 1.5"]
    assert Task(mean=0, spread=1).outcomes(np.array([1.0])) == ["value"]
    assert Task.options_from([1, 1, 1, 5])["cuts"] == [1.0, 2.0], "equal quartiles count once"


@pytest.mark.parametrize("target", ["four", None, float("nan"), "inf", [1]])
def test_what_is_no_number_is_refused_with_its_row(target):
    with pytest.raises(DataError, match="is not a number") as caught:
        Task.options_from([1.0, target])
    assert caught.value.row == 1
    assert not Task(mean=0, spread=1).knows(target)


def test_equal_targets_are_refused():
    with pytest.raises(DataError, match="all 2 training rows have the same target, 3"):
        Task.options_from([3, 3.0])
