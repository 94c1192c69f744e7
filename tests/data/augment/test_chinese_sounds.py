"""Characters and words that sound alike."""

from __future__ import annotations

import random

from oreline.data.augment.chinese_sounds import characters_of_sound, like_sounding, sound, sound_of, words_of_sound


def test_near_sounds_are_the_same() -> None:
    pairs = [("zhī", "zí"), ("chéng", "cēn"), ("shàng", "sān"), ("lán", "náng"), ("xīng", "xìn"), ("lǜ", "nǚ")]
    assert all(sound(first) == sound(second) for first, second in pairs)
    assert sound("hǎo") != sound("hé")
    assert sound_of("a") == ""


def test_words_and_characters_are_exchanged_for_others_of_their_sound() -> None:
    chance = random.Random(0)
    for word in ("再见", "电影", "好", "服务员"):
        for _ in range(5):
            other = like_sounding(word, chance)
            assert other is not None
            assert other != word
            assert [sound_of(character) for character in other] == [sound_of(character) for character in word]
    assert "在建" in words_of_sound()["zai", "jian"]
    assert "他" in characters_of_sound()["ta"]
    assert like_sounding("の", chance) is None
