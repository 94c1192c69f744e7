"""The n-gram model against a slow one with dictionaries."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from oreline.data.quality.ngram_model import DISCOUNT, NgramModel, units_of

TEXTS = ["abcabc", "abd", "bca", "aab"]
START = "^"


class Slow:
    """Interpolated Kneser–Ney, as the formula says."""

    def __init__(self, texts: list[str], order: int) -> None:
        self.order = order
        grams = [Counter() for _ in range(order)]
        for text in texts:
            padded = START * (order - 1) + text
            for end in range(order, len(padded) + 1):
                grams[order - 1][padded[end - order : end]] += 1
        for k in range(order - 2, -1, -1):
            for gram in grams[k + 1]:
                grams[k][gram[1:]] += 1
        self.grams = grams
        self.followers = [defaultdict(list) for _ in range(order)]
        for k in range(order):
            for gram, count in grams[k].items():
                self.followers[k][gram[:-1]].append(count)

    def p(self, history: str, unit: str) -> float:
        found = 1 / (len(self.grams[0]) + 1)
        for k in range(self.order):
            before = history[len(history) - k :]
            counts = self.followers[k].get(before)
            if counts:
                own = self.grams[k][before + unit]
                found = (max(own - DISCOUNT, 0) + DISCOUNT * len(counts) * found) / sum(counts)
        return found


def costs(model: NgramModel, texts: list[str], *, left_out: bool) -> list[float]:
    return [
        cost
        for _, units in units_of(texts, model.order, words=False)
        for cost in model.costs(units, left_out=left_out)[0]
    ]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_it_equals_the_slow_version(order: int):
    model, slow = NgramModel(order, 16), Slow(TEXTS, order)
    for _, units in units_of(TEXTS, order, words=False):
        model.add(units)
    for text in [*TEXTS, "xyz", "cab"]:
        padded = START * (order - 1) + text
        wanted = -sum(math.log(slow.p(padded[n : n + order - 1], padded[n + order - 1])) for n in range(len(text)))
        assert costs(model, [text], left_out=False) == pytest.approx([wanted])


def fitted(texts: list[str], order: int) -> NgramModel:
    model = NgramModel(order, 16)
    for _, units in units_of(texts, order, words=False):
        model.add(units)
    return model


def test_left_out_is_a_model_without_the_text():
    """Exact where each of its n-grams is in another text too."""
    with_all, without = fitted(["abc", "abd", "abd"], 3), fitted(["abc", "abd"], 3)
    assert costs(with_all, ["abd"], left_out=True) == pytest.approx(costs(without, ["abd"], left_out=False))


def test_what_only_the_left_out_text_has_is_as_if_never_seen():
    model = fitted(["abc", "abd", "xyz"], 2)
    own, plain = costs(model, ["xyz"], left_out=True)[0], costs(model, ["xyz"], left_out=False)[0]
    assert own > plain + 2


def test_adding_in_parts_is_adding_at_once():
    one, parts = NgramModel(3, 12), NgramModel(3, 12)
    for _, units in units_of(TEXTS, 3, words=False):
        one.add(units)
    for text in TEXTS:
        for _, units in units_of([text], 3, words=False):
            parts.add(units)
    assert np.allclose(costs(one, TEXTS, left_out=True), costs(parts, TEXTS, left_out=True))


def test_words_are_units_too():
    ((_, units),) = units_of(["the film the", ""], 2, words=True)
    assert units.doc.tolist() == [0, 0, 0]
    assert units.hash_U[units.real][0] == units.hash_U[units.real][2]
