from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from oreline.errors import UsageError
from oreline.tasks.prompts import check_pattern, encode_in_pattern, mask_id, word_ids


def opened(start: Path) -> Tokenizer:
    return Tokenizer.from_file(str(start / "tokenizer.json"))


def chinese() -> Tokenizer:
    """One token a character, as Chinese encoders have."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"这部电影好看差总体来说很，。"]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def test_the_text_stands_in_the_pattern(tiny_start: Path):
    tokenizer = opened(tiny_start)
    ids = encode_in_pattern(["a film"], "the {text} very [MASK] story", tokenizer, 20).ids[0]
    assert [tokenizer.id_to_token(int(token)) for token in ids] == [
        "[CLS]", "the", "a", "film", "very", "[MASK]", "story", "[SEP]",
    ]  # fmt: skip


def test_a_long_text_gives_way_and_the_pattern_stays(tiny_start: Path):
    tokenizer = opened(tiny_start)
    encoded = encode_in_pattern(["film " * 50, "film"], "{text} very [MASK]", tokenizer, 10)
    assert encoded.truncated_N.tolist() == [True, False]
    assert [len(ids) for ids in encoded.ids] == [10, 5]
    assert all((ids == mask_id(tokenizer)).sum() == 1 for ids in encoded.ids)
    with pytest.raises(UsageError, match="no room"):
        encode_in_pattern(["film"], "{text} very very very [MASK]", tokenizer, 6)


def test_a_text_that_names_the_mask_is_not_taken_for_it(tiny_start: Path):
    tokenizer = opened(tiny_start)
    tokenizer.add_special_tokens(["[MASK]"])
    [ids] = encode_in_pattern(["a [MASK] film"], "{text} [MASK]", tokenizer, 20).ids
    assert (ids == mask_id(tokenizer)).sum() == 1
    assert ids[-2] == mask_id(tokenizer)


def test_chinese_words_are_characters():
    tokenizer = chinese()
    assert word_ids({"正": "好", "负": "差"}, ["正", "负"], tokenizer) == [
        tokenizer.token_to_id("好"),
        tokenizer.token_to_id("差"),
    ]
    with pytest.raises(UsageError, match="好 \\+ 看"):
        word_ids({"正": "好看", "负": "差"}, ["正", "负"], tokenizer)
    [ids] = encode_in_pattern(["这部电影"], "{text}，总体来说很[MASK]。", tokenizer, 30).ids
    assert "".join(tokenizer.id_to_token(int(token)) for token in ids) == "[CLS]这部电影，总体来说很[MASK]。[SEP]"


def test_a_tokenizer_without_a_mask_is_refused():
    with pytest.raises(UsageError, match="no mask token"):
        mask_id(Tokenizer(models.WordLevel({"a": 0}, unk_token="a")))


def test_patterns_are_checked():
    check_pattern("{text} [MASK]")
    with pytest.raises(UsageError, match="the pattern is"):
        check_pattern("{text}")


def test_a_word_for_a_label_that_no_row_has_is_refused(tiny_start: Path):
    with pytest.raises(UsageError, match="for the label 'roten', which no row has") as caught:
        word_ids({"fresh": "great", "roten": "awful"}, ["fresh", "rotten"], opened(tiny_start))
    assert "did you mean 'rotten'" in caught.value.allowed
