"""Whether a tokenizer knows the writing of texts: by its pieces, not by the name of a language."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from oreline.models.legible import doubts

ENGLISH = ["the film was good and the plot clever"] * 20
CHINESE = ["房间很干净，服务也好，下次还来"] * 20
RUSSIAN = ["этот фильм был хорош"] * 20
LETTERS = [*"abcdefghijklmnopqrstuvwxyz", *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")]


def pieces(vocabulary: list[str]) -> Tokenizer:
    numbered = {piece: number for number, piece in enumerate(dict.fromkeys(["[UNK]", *vocabulary]))}
    made = Tokenizer(models.WordPiece(numbered, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    return made


english = pieces([*ENGLISH[0].split(), "人"])
chinese = pieces([*CHINESE[0], *LETTERS])


@pytest.mark.parametrize(
    ("tokenizer", "texts", "says"),
    [
        (english, ENGLISH, ""),
        (chinese, CHINESE, ""),
        (english, CHINESE, "100% say nothing (100% unknown"),
        (chinese, ENGLISH, "(0% unknown, the others single letters"),
        (english, [f"{text} 干净" for text in ENGLISH], ""),
        (english, ["好"], ""),
        (english, [], ""),
        (english, ["123 456 !!!"] * 50, ""),
    ],
)
def test_pieces_that_say_nothing_are_counted(tokenizer: Tokenizer, texts: list[str], says: str) -> None:
    said = doubts(tokenizer, texts, "the start model")
    assert says in said
    assert bool(said) == bool(says)
    assert not said or said.startswith("the start model hardly reads these texts")


def test_bytes_of_a_character_say_nothing() -> None:
    alphabet = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    made = Tokenizer(models.BPE(alphabet, []))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    assert "(0% unknown" in doubts(made, CHINESE, "it")
    assert "(0% unknown" in doubts(made, RUSSIAN, "it")
