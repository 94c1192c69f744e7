"""Chinese words by jieba, without its cache file."""

from __future__ import annotations

from oreline.data.texts.segmenter import segmenter, word_lengths


def test_lengths_cover_the_text():
    text = "我们 在 iPhone 上看电影。\nOK"
    assert word_lengths(text).sum() == len(text)
    assert word_lengths("").tolist() == []


def test_the_dictionary_is_read_once_and_not_from_a_shared_folder():
    assert segmenter() is segmenter()
    assert segmenter().initialized
    assert segmenter().FREQ["电影"] > 0
