"""BLEU of any draw of rows is sacrebleu's corpus BLEU of these rows, Chinese included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu import corpus_bleu

from oreline.metrics.bleu import Metric, statistics
from oreline.metrics.bleu import corpus_bleu as own_bleu

SENTENCES = st.lists(st.sampled_from(["the", "cat", "sat", "on", "mat", ".", "3.5", "don't"]), max_size=9).map(" ".join)
CHINESE = st.text("我喜欢这部电影，。AB ", min_size=1, max_size=12)


@pytest.mark.parametrize(("texts", "tokenizer"), [(SENTENCES, "13a"), (CHINESE, "zh")])
def test_each_draw_is_a_corpus_bleu_of_sacrebleu(texts_table, texts, tokenizer: str):
    @settings(max_examples=60, deadline=None)
    @given(rows=st.lists(st.tuples(texts, texts, st.integers(0, 3)), min_size=1, max_size=6))
    def check(rows):
        # A first row decides the script, whatever else is drawn.
        rows = [
            ("我喜欢" * 9 if tokenizer == "zh" else "the cat sat on the mat", "我" if tokenizer == "zh" else "the", 1),
            *rows,
        ]
        true, answers, weights = (list(part) for part in zip(*rows))
        found = Metric().values(texts_table(true, answers), np.asarray([weights], float))["bleu"][0]
        drawn = [row for row, weight in enumerate(weights) for _ in range(weight)]
        expected = corpus_bleu([answers[row] for row in drawn], [[true[row] for row in drawn]], tokenize=tokenizer)
        assert found == pytest.approx(expected.score, abs=1e-8)

    check()


def test_chinese_is_not_one_word(texts_table):
    assert Metric().values(texts_table(["这部电影很好看"], ["这部电影不好看"]), np.ones((1, 1)))["bleu"][0] > 20


def test_without_answers_there_is_nothing_to_share():
    assert own_bleu(statistics([], []).sum(axis=0)[None]).tolist() == [0.0]
