"""The statistics against a slow version that goes word by word, in both languages."""

from __future__ import annotations

import random
import re
import unicodedata
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.data.quality.c4 import LineRules
from oreline.data.quality.statistics import SHORT_LINE, STATISTICS, STOP_WORDS, measured
from oreline.data.texts.segmenter import segmenter

TERMINAL = set(".!?…。！？．｡؟।\"'”’」』")


def is_part(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"


def stripped(token: str) -> str:
    places = [place for place, character in enumerate(token) if is_part(character)]
    return token[places[0] : places[-1] + 1] if places else ""


def ratio(above: float, below: float) -> float:
    return above / below if below else 0.0


def repeated(items: list[str]) -> list[bool]:
    return [item in items[:place] for place, item in enumerate(items)]


def slow(text: str, language: str) -> dict[str, float]:
    """Every statistic, one after the other, as its description says."""
    cut = segmenter().cut(text) if language == "zh" else re.split(r"\s+", text)
    tokens = [token for token in cut if token.strip()]
    words = [stripped(token) for token in tokens if stripped(token)]
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    paragraphs = [part.strip() for part in re.split(r"\n[^\S\n]*(?:\n[^\S\n]*)+", text) if part.strip()]
    folded = [line.lower() for line in lines]
    parts = [part.lower() for part in paragraphs]
    num_chars = len(text) - text.count("\n")
    found = {
        "num_words": len(words),
        "mean_word_length": ratio(sum(map(len, words)), len(words)),
        "hash_ratio": ratio(text.count("#"), len(tokens)),
        "ellipsis_ratio": ratio(text.count("...") + text.count("…"), len(tokens)),
        "words_with_letter": ratio(sum(any(c.isalpha() for c in token) for token in tokens), len(tokens)),
        "stop_words": len({word.lower() for word in words} & set(STOP_WORDS[language])),
        "newline_ratio": ratio(text.count("\n"), len(tokens)),
        "bullet_lines": ratio(sum(line[0] in "•-*●▪◦‣·" for line in lines), len(lines)),
        "ellipsis_lines": ratio(sum(line.endswith(("…", "...")) for line in lines), len(lines)),
        "terminal_lines": ratio(sum(line[-1] in TERMINAL for line in lines), len(lines)),
        "short_lines": ratio(sum(len(line) <= SHORT_LINE for line in lines), len(lines)),
        "dup_lines": ratio(sum(repeated(folded)), len(lines)),
        "dup_line_chars": ratio(sum(len(line) for line, was in zip(lines, repeated(folded)) if was), num_chars),
        "dup_paragraphs": ratio(sum(repeated(parts)), len(parts)),
        "dup_paragraph_chars": ratio(sum(len(p) for p, was in zip(paragraphs, repeated(parts)) if was), num_chars),
    }
    tokens = [token.lower() for token in tokens]
    for n in (2, 3, 4):
        grams = [tuple(tokens[place : place + n]) for place in range(len(tokens) - n + 1)]
        gram, count = Counter(grams).most_common(1)[0] if grams else ((), 1)
        found[f"top_{n}_gram"] = min(1.0, ratio(count * len(" ".join(gram)) if count > 1 else 0, len(text)))
    for n in range(5, 11):
        seen, place, chars = set(), 0, 0
        while place + n <= len(tokens):
            gram = tuple(tokens[place : place + n])
            if gram in seen:
                chars += sum(map(len, gram))
                place += n
            else:
                seen.add(gram)
                place += 1
        found[f"dup_{n}_gram"] = ratio(chars, len(text))
    rules = LineRules()
    kept = [line.strip() for line in text.split("\n") if line.strip() and rules.fault(line.strip(), language) is None]
    found["num_sentences"] = sum(rules.num_sentences(line, language) for line in kept)
    found["lorem_ipsum"], found["curly_brackets"] = float("lorem ipsum" in text.lower()), text.count("{")
    return found


def agree(texts: list[str], language: str) -> None:
    fast = measured(pl.Series(texts), pl.Series([language] * len(texts)), STATISTICS)
    for text, row in zip(texts, fast.iter_rows(named=True)):
        assert row == pytest.approx(slow(text, language), abs=1e-12), text


ENGLISH = [
    "the",
    "The",
    "of",
    "have,",
    "cat",
    "(dog)",
    "...",
    "!",
    "#",
    "don't",
    "\n",
    "\n\n",
    " \n \n",
    "-",
    "•",
    "a…",
    "3.5",
    "",
    "“that”",
]
CHINESE = [
    "电影",
    "的",
    "很好看",
    "。",
    "，",
    "\n",
    "\n\n",
    "……",
    "了",
    "iPhone",
    "12",
    "！",
    "#话题#",
    " ",
    "我们",
    "為",
    "·",
]


def documents(parts: list[str], between: str) -> list[str]:
    """Return 60 documents of up to 40 parts, drawn from few of them, so that much comes again."""
    draw = random.Random(0)
    return [
        between.join(draw.choices(draw.sample(parts, draw.randint(1, 9)), k=draw.randint(0, 40))) for _ in range(60)
    ]


def test_english_equals_the_slow_version():
    agree(documents(ENGLISH, " "), "en")


def test_chinese_equals_the_slow_version():
    agree(documents(CHINESE, ""), "zh")


@settings(max_examples=12)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_any_text_equals_the_slow_version(texts: list[str]):
    # Letters whose lower case has two characters are left as they are in a hash; Python folds them.
    texts = [text for text in texts if all(len(c.lower()) == 1 and ord(c) < 0x1000 for c in text)]
    agree([text.replace("\r", " ") for text in texts] or ["a"], "en")


def test_documents_longer_than_a_block():
    words = ["alpha", "beta", "gamma.", "delta\n", "the", "of"]
    draw = random.Random(0)
    texts = [" ".join(draw.choices(words, k=400)) for _ in range(150)]
    found = measured(pl.Series(texts), pl.Series(["en"] * len(texts)), ["num_words", "dup_10_gram"])
    assert found["num_words"].to_list() == [400.0] * 150
    some = [0, 77, 149]
    assert found["dup_10_gram"].gather(some).to_list() == pytest.approx(
        [slow(texts[n], "en")["dup_10_gram"] for n in some]
    )


def test_rows_in_other_scripts_and_without_text_are_null():
    found = measured(pl.Series(["русский текст", None, "a b"]), pl.Series(["other", "en", "en"]), ["num_words"])
    assert found["num_words"].to_list() == [None, None, 2.0]


def test_hundreds_of_marks_around_a_word():
    text = "#" * 300 + "word" + "!" * 300
    found = measured(pl.Series([text]), pl.Series(["en"]), ["mean_word_length", "hash_ratio"])
    assert found.row(0) == (4.0, 300.0)


def test_a_number_that_is_no_share_is_not_lost():
    found = measured(pl.Series(["", "\n"]), pl.Series(["en", "en"]), STATISTICS)
    assert np.isfinite(found.to_numpy()).all()
