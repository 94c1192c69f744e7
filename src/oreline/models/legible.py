"""Whether a tokenizer knows the language of some texts, by the pieces that it makes of their letters.

Nothing is asked about the language's name: a piece that is unknown, a single letter of a longer word, or a part of one
character says nothing to a model whose tokenizer has no better one. A Chinese character that is a piece of its own is
as it should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from oreline.words import units

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

MOST_POOR = 0.3
"""Share of pieces from which a sentence is said: of an English text an English tokenizer has about 0.02."""
_UNKNOWN = ("[UNK]", "<unk>")
_MAX_TEXTS, _MAX_CHARACTERS = 200, 400
_FEWEST = 50
"""Pieces of letters that are looked at, at least."""


def doubts(tokenizer: Tokenizer, texts: Sequence[str], name: str, *, grams: bool = True) -> str:
    """Return a sentence where a model hardly reads such texts; empty where it does, or where they hold few letters.

    Args:
        tokenizer: of the model, without padding.
        texts: some of the texts; a spread of them is looked at.
        name: what the user calls the model.
        grams: whether n-grams of characters can do the work too.
    """
    some = [text[:_MAX_CHARACTERS] for text in texts[:: -(-len(texts) // _MAX_TEXTS) or 1] if text]
    unknown = {number for token in _UNKNOWN if (number := tokenizer.token_to_id(token)) is not None}
    counts = [_counted(found, text, unknown) for found, text in zip(_encoded(tokenizer, some), some)]
    pieces, poor, lost = (sum(column) for column in zip(*counts)) if counts else (0, 0, 0)
    if pieces < _FEWEST or poor < MOST_POOR * pieces:
        return ""
    return (
        f"{name} hardly reads these texts: of the pieces that its tokenizer makes of their letters {poor / pieces:.0%} "
        f"say nothing ({lost / pieces:.0%} unknown, the others single letters or parts of one; {len(some):,} texts "
        f"looked at); use a model of their language{', or n-grams' if grams else ''}"
    )


def _encoded(tokenizer: Tokenizer, texts: list[str]) -> list[Encoding]:
    return list(tokenizer.encode_batch(texts, add_special_tokens=False)) if texts else []


def _counted(found: Encoding, text: str, unknown: set[int]) -> tuple[int, int, int]:
    """Return how many pieces stand for letters, how many of them say nothing, and how many are unknown."""
    inside = [0] * (len(text) + 1)
    """How many characters the word has that each of them stands in; a Chinese one is a word."""
    for word, start, end in units(text):
        if word.isalpha():
            inside[start:end] = [end - start] * (end - start)
    pieces = poor = lost = 0
    spans = [(0, 0), *found.offsets, (0, 0)]
    twice = {span for span, other in pairwise(spans) if span == other}
    for number, (start, end) in zip(found.ids, found.offsets):
        length = max(inside[start:end], default=0)
        if not length:
            continue
        is_unknown = number in unknown
        is_letter = end - start == 1 and length > 1
        pieces += 1
        lost += is_unknown
        poor += is_unknown or is_letter or (start, end) in twice
    return pieces, poor, lost
