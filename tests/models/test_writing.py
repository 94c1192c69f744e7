"""Tokens become texts: special ones left out, Chinese of BERT's vocabularies without spaces, equal texts once."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from oreline.generation import Generation
from oreline.models.next_token import Answer
from oreline.models.writing import decoded, has_words, tidied, write
from oreline.types import Encoded


@pytest.fixture
def bert() -> Tokenizer:
    vocabulary = {
        token: place for place, token in enumerate(["[UNK]", "[SEP]", "好", "电", "影", "film", "##s", "，", "a"])
    }
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer, made.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    made.add_special_tokens(["[SEP]"])
    return made


def test_chinese_is_joined_where_the_tokenizer_has_put_the_spaces(bert: Tokenizer):
    assert has_words(bert)
    assert tidied(decoded(bert, [2, 3, 4, 7, 8, 5, 6, 1]), by_word=True) == "好电影， a films"
    assert tidied(decoded(bert, [2, 3]), by_word=False) == "好 电"
    assert not has_words(Tokenizer(models.BPE()))


def test_answers_become_texts_each_once(bert: Tokenizer):
    class Head:
        def write(self, model, batch, manner):
            assert manner.end_ids == [1]
            found = [Answer([5, 1], -1.0), Answer([5], -2.0), Answer([8, 1], -3.0)]
            return [found] * batch.num_rows, np.zeros((batch.num_rows, 2), np.float32)

    rows = Encoded([np.array([2], np.int32)] * 2, np.zeros(2, bool))
    task = SimpleNamespace(generation=Generation(), end_ids=lambda tokenizer: [1])
    written, embedding_BD = write(Head(), None, rows, bert, task, pad_id=0)
    assert written[0].texts == ("film", "a")
    assert written[0].probabilities == pytest.approx((np.exp(-1), np.exp(-3)))
    assert embedding_BD.shape == (2, 2)
