"""Whether a label is believable: without the row itself, calibrated, the same after JSON, nothing said of noise."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from oreline.data.augment.belief import Belief, learn

GOOD = ["很好看", "喜欢", "fine", "lovely"]
BAD = ["很差", "讨厌", "dull", "awful"]


def rows(num: int = 60) -> tuple[list[str], list[str]]:
    chance = random.Random(0)
    texts = [f"{chance.choice(GOOD if n % 2 else BAD)} film 电影 {n} {chance.choice('abcdefg')}" for n in range(num)]
    return texts, ["good" if n % 2 else "bad" for n in range(num)]


def test_both_languages_are_judged() -> None:
    belief = learn(*rows())
    assert belief is not None
    texts = ["a lovely film", "an awful film", "喜欢这部电影", "讨厌这部电影"]
    shares = belief.shares(texts, ["good"] * 4, [""] * 4)
    assert shares[[0, 2]].tolist() == [1.0, 1.0]
    assert (shares[[1, 3]] < 0.25).all()


def test_the_row_itself_is_left_out() -> None:
    """Of a text that stands alone nothing speaks for its label but itself."""
    texts, labels = rows()
    alone = "zzyzx qqxqq fine lovely fine lovely"
    belief = learn([*texts, alone], [*labels, "bad"])
    assert belief is not None
    assert belief.shares([alone], ["bad"], [""])[0] > 2 * belief.shares([alone], ["bad"], [alone])[0]
    without = learn(texts, labels)
    assert without is not None
    assert belief.shares([alone], ["bad"], [alone])[0] == pytest.approx(
        without.shares([alone], ["bad"], [""])[0], abs=0.2
    )


def test_where_nothing_can_be_told_nothing_is_refused() -> None:
    chance = random.Random(1)
    texts = ["".join(chance.choice("abcdefghij ") for _ in range(30)) for _ in range(80)]
    belief = learn(texts, [chance.choice("xy") for _ in texts])
    assert belief is not None
    assert belief.shares(texts, ["x"] * 80, texts).min() > 0.25


def test_json_changes_nothing_and_unknown_labels_are_believed() -> None:
    belief = learn(*rows())
    assert belief is not None
    again = Belief.from_json(json.loads(json.dumps(belief.to_json())))
    texts = ["a lovely film", "awful", "", "没有"]
    assert np.array_equal(again.shares(texts, ["bad"] * 4, texts), belief.shares(texts, ["bad"] * 4, texts))
    assert belief.shares(["x"], ["new"], [""]).tolist() == [1.0]
    assert belief.shares([], [], []).tolist() == []


def test_too_few_and_too_many_classes() -> None:
    assert learn(["a", "b"], ["x", "x"]) is None
    assert learn(["a", "b", "c", "d"], ["1", "2", "3", "4"]) is None
    assert learn([], []) is None
