"""What characters are, and hashes of stretches."""

from __future__ import annotations

import random

import numpy as np

from oreline.data.quality.characters import LETTER, SPACE, TERMINAL, WORD, Hashes, char_flags, word_hash


def flags(character: str) -> int:
    return int(char_flags()[ord(character)])


def test_what_characters_are():
    assert [flags(c) for c in "a好3"] == [WORD | LETTER, WORD | LETTER, WORD]
    assert flags("。") == TERMINAL
    assert flags("\u3000") == flags("\n") == SPACE
    assert flags("#") == flags("，") == 0
    assert flags("\U00020000") == WORD | LETTER


def test_equal_stretches_have_equal_hashes_wherever_they_stand():
    text = "the film and The film"
    hashes = Hashes(np.array([ord(c) for c in text]))
    starts, ends = np.array([0, 13, 4, 17]), np.array([3, 16, 8, 21])
    a, b, c, d = hashes.of(starts, ends)
    assert a == b == word_hash("the")
    assert c == d != a


def test_different_words_have_different_hashes():
    draw = random.Random(0)
    words = {"".join(draw.choices("ab的好", k=draw.randint(1, 12))) for _ in range(3000)}
    assert len({word_hash(word) for word in words}) == len(words)


def test_longer_than_the_kept_powers():
    codes = np.full((1 << 20) + 5, ord("x"))
    hashes = Hashes(codes)
    first, last = hashes.of(np.array([0, (1 << 20) + 2]), np.array([3, (1 << 20) + 5]))
    assert first == last
