"""Question answering: where words begin, what is trained, what is answered, the threshold, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from oreline.errors import DataError
from oreline.models.heads.question_answering import END, START
from oreline.runtime.windows import cut, ragged
from oreline.tasks import question_answering
from oreline.tasks.question_answering import Task
from oreline.words import units

ALPHABET = [*"ab é̂ß İ", "北", "京", "か", "゙", "ﬁ", "①", "😀", "\u200b", "\n", ".", "$", "–", "ไ", "Å"]
TEXTS = st.lists(st.sampled_from(ALPHABET), max_size=25).map("".join)


def bert() -> Tokenizer:
    """Word pieces with everything that changes a text: lower case, no accents, Chinese apart, control marks dropped."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abe北京か1.$", "##a", "##b", "##e", "fi"]
    made = Tokenizer(models.WordPiece({piece: place for place, piece in enumerate(pieces)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made


def byte_level() -> Tokenizer:
    """Bytes: several tokens a character, spaces within tokens, another pair of special tokens between the texts."""
    vocabulary = {mark: place for place, mark in enumerate(["<s>", "</s>", *pre_tokenizers.ByteLevel.alphabet()])}
    made = Tokenizer(models.BPE(vocabulary, []))
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    return made


TOKENIZERS = {"bert": bert(), "byte_level": byte_level()}


@pytest.mark.parametrize("name", TOKENIZERS)
@given(question=TEXTS, context=TEXTS)
def test_words_begin_in_the_tokens_that_hold_their_characters(name: str, question: str, context: str) -> None:
    tokenizer, words = TOKENIZERS[name], units(context)
    encoded = Task().encode({"text": [question], "text_pair": [context]}, tokenizer, 1000)
    [ids], [places] = encoded.ids, encoded.words
    assert len(places.places_W) == 1 + len(words)
    assert places.places_W[0] == 0
    assert (np.diff(places.places_W[1:]) >= 0).all()
    alone = tokenizer.encode(context, add_special_tokens=False)
    assert len(ids) == places.num_prefix + len(alone.ids) + places.num_suffix or not alone.ids
    for word, place in zip(words, places.places_W[1:]):
        if not alone.ids:
            continue
        start, end = alone.offsets[place - places.num_prefix]
        held = any(start < word.end and word.start < end for start, end in alone.offsets)
        assert not held or start < word.end  # never a token that begins behind the word
        if held:
            assert end > word.start


@given(context=TEXTS, data=st.data())
def test_what_is_trained_is_what_is_answered(context: str, data: st.DataObject) -> None:
    words = units(context)
    if not words:
        return
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    text = context[words[first].start : words[last].end]
    columns = {"text": ["?"], "text_pair": [context]}
    task = Task(max_answer_words=len(words)).reading(columns)
    [answers] = task.encode_target([[{"text": text, "start": words[first].start}]])
    assert (answers[0].first, answers[0].last) == (first, last)
    encoded = task.encode(columns, TOKENIZERS["byte_level"], 1000)
    marks_T = task.token_targets(encoded.words[0], answers, len(encoded.ids[0]))
    logits_W2 = np.stack([marks_T % 2 == 1, marks_T // 2 == 1], axis=1)[encoded.words[0].places_W] * 20.0
    [given_answer] = task.predicted(ragged([task.activate(logits_W2)]))
    assert given_answer[0] == answers[0]
    [decoded] = task.decode({"scores": ragged([task.activate(logits_W2)])}, columns)
    assert context[decoded["start"] : decoded["end"]] == decoded["answer"] == text


def test_long_contexts_are_read_in_windows_that_each_hold_the_question() -> None:
    columns = {"text": ["a b"], "text_pair": ["a b e " * 30]}
    task = Task().reading(columns)
    encoded = task.encode(columns, TOKENIZERS["bert"], 16)
    assert not encoded.truncated_N.any()
    windows = cut(encoded, 16)
    assert len(windows.encoded.ids) > 5
    assert all(ids[:4].tolist() == [2, 4, 5, 3] for ids in windows.encoded.ids)
    [answers] = task.encode_target([[{"text": "e a", "start": 4}]])
    marks_T = task.token_targets(encoded.words[0], answers, len(encoded.ids[0]))
    assert marks_T[[0, 1, 4 + 2, 4 + 3]].tolist() == [0, -100, START, END]
    none_T = task.token_targets(encoded.words[0], (), len(encoded.ids[0]))
    assert none_T[0] == START + END
    assert (none_T > 0).sum() == 1


def test_a_question_longer_than_half_a_window_is_cut_and_said_so() -> None:
    encoded = Task().encode({"text": ["a " * 40, "a"], "text_pair": ["b", "b"]}, TOKENIZERS["bert"], 16)
    assert encoded.truncated_N.tolist() == [True, False]
    assert len(encoded.ids[0]) == 1 + 6 + 1 + 1 + 1


def test_options_from_training_rows() -> None:
    assert Task.options_from(["in the year 1912", "1912"]) == {"max_answer_words": 4, "threshold": None}
    assert Task.options_from(["北京市", "", None]) == {"max_answer_words": 3, "threshold": 0.0}
    with pytest.raises(DataError, match="none of the 2 training rows has an answer"):
        Task.options_from([None, []])
    with pytest.raises(DataError, match="no answer") as caught:
        Task.options_from(["a", 5])
    assert caught.value.row == 1


def test_bad_rows() -> None:
    bound = Task().reading({"text": ["?", "?"], "text_pair": ["in 1912", " "]})
    with pytest.raises(DataError, match="'Rome' is not in its context") as caught:
        bound.encode_target(["Rome", None])
    assert caught.value.row == 0
    with pytest.raises(DataError, match="the context is empty"):
        bound.encode_target(["1912", "1912"])
    with pytest.raises(DataError, match="max_answer_words is 0"):
        Task(max_answer_words=0)


def scores_of(null: float, word: float) -> np.ndarray:
    """A row of one word whose score and that of no answer are given."""
    return np.array([[null, null], [word, word]], np.float32)


def test_the_threshold_is_tuned_where_both_kinds_are_among_the_rows() -> None:
    columns = {"text": ["?"] * 4, "text_pair": ["Rome"] * 4}
    bound = Task(threshold=0.0).reading(columns)
    scores = ragged([scores_of(0.6, 0.4), scores_of(0.7, 0.3), scores_of(0.9, 0.1), scores_of(0.95, 0.05)])
    targets = bound.encode_target(["Rome", "Rome", None, None])
    assert bound.credit(targets, bound.predicted(scores)).tolist() == [0, 0, 1, 1]
    tuned = bound.tuned(targets, scores)
    assert 2 * np.log(0.7 / 0.3) < tuned.threshold < 2 * np.log(0.9 / 0.1)
    assert tuned.reading(columns).credit(targets, tuned.reading(columns).predicted(scores)).tolist() == [1, 1, 1, 1]
    assert bound.tuned(bound.encode_target(["Rome"] * 4), scores).options == bound.options
    always = Task()
    assert always.tuned(targets, scores).threshold is None
    assert all(always.reading(columns).predicted(scores))


def test_answers_have_probabilities_and_alternatives() -> None:
    columns = {"text": ["?", "?"], "text_pair": ["born in Rome", ""]}
    scores = ragged([np.array([[0.1, 0.1], [0.1, 0.1], [0.2, 0.1], [0.6, 0.7]]), np.ones((1, 2))])
    first, second = Task(max_answer_words=2, threshold=0.0).decode({"scores": scores}, columns)
    assert (first["answer"], first["start"], first["end"]) == ("Rome", 8, 12)
    total = 0.42 + 0.01 + 0.02 + 0.01 + 0.14 + 0.01
    assert first["score"] == pytest.approx(0.42 / total, abs=1e-6)
    assert first["no_answer"] == pytest.approx(0.01 / total, abs=1e-6)
    assert [other["answer"] for other in first["alternatives"]] == ["in", "born"]
    assert second == {"answer": None, "start": None, "end": None, "score": 1.0, "no_answer": 1.0, "alternatives": []}


def test_outcomes_and_names() -> None:
    task = Task()
    targets = task.encode_target(["1912", ["in 1912", "in 1912", "1912"], None, "a b c d e f g h i"])
    assert task.outcomes(targets) == ["1 word", "up to 3 words", "(no answer)", "9 words or more"]
    assert task.names(targets)[1:3] == ["in 1912 | 1912", "(no answer)"]


def test_the_marks_are_those_of_the_head() -> None:
    assert (question_answering.START, question_answering.END) == (START, END)


def test_an_answer_that_is_not_in_the_context_does_not_fit():
    row = {"text": "When?", "text_pair": "Acme was founded in 1912."}
    task = Task(max_answer_words=3)
    assert task.misfit(row, "1912") is None
    assert task.misfit(row, "") is None
    assert "not in its context" in task.misfit(row, "1913").what
