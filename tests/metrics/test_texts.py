"""Scripts, words and characters; chrF by rows against sacrebleu, and words against rouge-score."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.tokenize import tokenize
from sacrebleu import sentence_chrf

from oreline.metrics.texts import character_counts, chrf, ngrams, script_of, shared, words

TEXTS = st.text("ab c好看。,1_", max_size=20)


@settings(max_examples=200, deadline=None)
@given(true=TEXTS, answer=TEXTS)
def test_chrf_of_a_row_is_sacrebleus(true: str, answer: str):
    found = 100 * chrf(character_counts([true], [answer]))[0]
    assert found == pytest.approx(sentence_chrf(answer, [true]).score, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(max_codepoint=127), max_size=30))
def test_words_of_ascii_text_are_those_of_rouge_score(text: str):
    assert words(text) == tokenize(text, stemmer=None)


def test_words_of_other_scripts_are_kept():
    assert words("Café 在北京，OK！") == ["café", "在", "北", "京", "ok"]


@pytest.mark.parametrize(
    ("texts", "script"),
    [
        ([], "spaced"),
        (["!?"], "spaced"),
        (["I like 北京"], "spaced"),
        (["我喜欢NLP"], "zh"),
        (["ありがとう"], "unspaced"),
    ],
)
def test_the_script_is_that_of_the_letters(texts: list[str], script: str):
    assert script_of(texts) == script


def test_shared_ngrams_count_as_often_as_the_rarer_side_has_them():
    assert shared(ngrams("aaab", 1), ngrams("aab", 1)) == 3
    assert ngrams("a", 2).total() == 0
