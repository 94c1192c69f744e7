"""Take words that say little out of texts, by the lists in `lists/`, written for Oreline."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Literal

from oreline.data.texts.segmenter import segmenter

Language = Literal["en", "zh"]

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_HAN_RUN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]+")
_ENGLISH_WORD = re.compile(r"(?<![\w'’.@/&-])[A-Za-z]+(?:['’][A-Za-z]+)?(?![\w'’@/&-]|\.\w)")
"""A word that stands alone: neither part of `a.m.`, `e-mail`, `AT&T` or an address, nor glued to Chinese letters."""


@functools.cache
def stop_words(language: Language) -> frozenset[str]:
    """Return the words of a language's list, in lower case.

    >>> "the" in stop_words("en"), "not" in stop_words("en"), "的" in stop_words("zh"), "不" in stop_words("zh")
    (True, False, True, False)
    """
    text = (Path(__file__).parent / "lists" / f"stop_words_{language}.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return frozenset(word for line in lines for word in line.split())


def without_english(text: str, words: frozenset[str]) -> str:
    """Return a text without these English words; of the spaces around one, one goes with it.

    >>> without_english("This is the best of all, and cheap.", stop_words("en"))
    'best all, cheap.'
    """
    if not _ENGLISH_WORD.search(text):
        return text
    kept = _ENGLISH_WORD.sub(lambda word: "" if word[0].lower().replace("’", "'") in words else word[0], text)
    if kept == text:
        return text
    return _tidied(kept)


def _tidied(text: str) -> str:
    lines = [re.sub(r"[ \t]{2,}", " ", line).strip(" \t") for line in text.split("\n")]
    return "\n".join([re.sub(r" (?=[,.;:!?])", "", line) for line in lines])


def without_chinese(text: str, words: frozenset[str]) -> str:
    """Return a text without these Chinese words, as jieba cuts them: `的` goes, the one in `目的` stays.

    >>> without_chinese("我们的目的是学习", stop_words("zh"))
    '目的学习'
    """
    if not _HAN.search(text):
        return text
    cut = segmenter().cut
    kept = _HAN_RUN.sub(lambda run: "".join(word for word in cut(run[0]) if word not in words), text)
    return text if kept == text else _tidied(kept)
