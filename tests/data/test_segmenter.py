"""jieba reads its own dictionary and writes nothing."""

from __future__ import annotations

from oreline.data.segmenter import segmenter, word_lengths


def test_words_add_up_to_the_text() -> None:
    text = "我喜欢 natural language processing，和自然语言处理。"
    assert "".join(segmenter().cut(text)) == text
    assert int(word_lengths(text).sum()) == len(text)
    assert segmenter() is segmenter()
