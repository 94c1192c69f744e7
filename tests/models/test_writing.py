"""Tokens become texts: special ones left out, Chinese of BERT's vocabularies without spaces, equal texts once."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from oreline.generation import Generation
from oreline.models.generation import Answer
from oreline.models.writing import decoded, has_words, write
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
    assert decoded(bert, [2, 3, 4, 7, 8, 5, 6, 1], by_word=True) == "好电影， a films"
    assert decoded(bert, [2, 3], by_word=False) == "好 电"
    assert not has_words(Tokenizer(models.BPE()))


def test_answers_become_texts_each_once(bert: Tokenizer):
    class Head:
        def write(self, model, batch, generation, keys_B, end_ids):
            assert end_ids == [1]
            found = [Answer([5, 1], -1.0), Answer([5], -2.0), Answer([8, 1], -3.0)]
            return [found] * batch.num_rows, np.zeros((batch.num_rows, 2), np.float32)

    rows = Encoded([np.array([2], np.int32)] * 2, np.zeros(2, bool))
    written, embedding_BD = write(Head(), None, rows, bert, Generation(), pad_id=0, end_ids=[1])
    assert written[0].texts == ("film", "a")
    assert written[0].probabilities == pytest.approx((np.exp(-1), np.exp(-3)))
    assert embedding_BD.shape == (2, 2)
