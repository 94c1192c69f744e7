"""chrF of any draw of rows is sacrebleu's corpus chrF of these rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu import corpus_chrf

from oreline.metrics.chrf import Metric

TEXTS = st.text("ab 好看电影.", max_size=15)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(TEXTS, TEXTS, st.integers(0, 3)), min_size=1, max_size=6))
def test_each_draw_is_a_corpus_chrf_of_sacrebleu(texts_table, rows):
    rows = [("a film", "a film", 1), *rows]
    true, answers, weights = (list(part) for part in zip(*rows))
    found = Metric().values(texts_table(true, answers), np.asarray([weights], float))["chrf"][0]
    drawn = [row for row, weight in enumerate(weights) for _ in range(weight)]
    expected = corpus_chrf([answers[row] for row in drawn], [[true[row] for row in drawn]])
    assert found == pytest.approx(expected.score, abs=1e-8)
