"""ROUGE of English is rouge-score's; of Chinese it is counted by character; the subsequence is the plain recursion's."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from oreline.metrics.rouge import Metric, longest_common

SCORER = RougeScorer(["rouge1", "rouge2", "rougeL"])
SENTENCES = st.lists(st.sampled_from(["The", "cat", "sat", "on", "mat.", "it's", "--"]), max_size=9).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(true=SENTENCES, answer=SENTENCES)
def test_english_is_measured_as_rouge_score_does(texts_table, true: str, answer: str):
    found = Metric().values(texts_table([true], [answer]), np.ones((1, 1)))
    expected = SCORER.score(true, answer)
    for ours, theirs in (("rouge_1", "rouge1"), ("rouge_2", "rouge2"), ("rouge_l", "rougeL")):
        assert found[ours][0] == pytest.approx(100 * expected[theirs].fmeasure, abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(first=st.text("abc", max_size=12), second=st.text("abcd", max_size=12))
def test_the_longest_common_subsequence_is_the_recursions(first: str, second: str):
    @cache
    def longest(i: int, j: int) -> int:
        if not i or not j:
            return 0
        if first[i - 1] == second[j - 1]:
            return longest(i - 1, j - 1) + 1
        return max(longest(i - 1, j), longest(i, j - 1))

    assert longest_common(first, second) == longest(len(first), len(second))


def test_chinese_is_counted_by_character(texts_table):
    found = Metric().values(texts_table(["这部电影很好看"], ["这部电影不好看"]), np.ones((1, 1)))
    assert found["rouge_1"][0] == pytest.approx(100 * 6 / 7)
    assert found["rouge_2"][0] == pytest.approx(100 * 4 / 6)
    assert found["rouge_l"][0] == pytest.approx(100 * 6 / 7)
