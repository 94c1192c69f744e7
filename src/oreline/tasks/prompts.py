"""Put a text into a pattern with one masked place, and find the words that may stand there.

`{text}` stands for the row's text, `[MASK]` for the place that the model fills, whatever its tokenizer calls it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from oreline.errors import UsageError, did_you_mean
from oreline.types import Encoded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TEXT, MASK = "{text}", "[MASK]"
_MASKS = (MASK, "<mask>")
_UNKNOWNS = ("[UNK]", "<unk>")


def check_pattern(pattern: str) -> None:
    """Raise `UsageError` for a pattern without one text and one masked place."""
    if not isinstance(pattern, str) or pattern.count(TEXT) != 1 or pattern.count(MASK) != 1:
        raise UsageError(
            f"the pattern is {pattern!r}", allowed=f"one {TEXT} and one {MASK}, such as '{TEXT} It was {MASK}.'"
        )


def mask_id(tokenizer: Tokenizer) -> int:
    """Return the id of the masked place. Raises `UsageError` for a tokenizer that has none."""
    found = [number for token in _MASKS if (number := tokenizer.token_to_id(token)) is not None]
    if not found:
        raise UsageError(
            "the start model's tokenizer has no mask token",
            allowed=" or ".join(_MASKS),
            remedy="take a start model that was trained on masked tokens, such as one of `oreline pretrain`",
        )
    return found[0]


def word_ids(words: Mapping[str, str], labels: Sequence[str], tokenizer: Tokenizer) -> list[int]:
    """Return the token that speaks for each label, in the labels' order.

    Raises `UsageError` for a label without a word, a word without a label, a word of several tokens or of none that is
    known, and a word that speaks for two labels.
    """
    if strange := next((label for label in words if label not in labels), None):
        raise UsageError(
            f"there is a word for the label {strange!r}, which no row has",
            allowed=did_you_mean(strange, labels),
            remedy="correct the label in method_options.words, or leave it out",
        )
    unknown = {tokenizer.token_to_id(token) for token in _UNKNOWNS}
    found: dict[int, str] = {}
    for label in labels:
        if label not in words:
            raise UsageError(
                f"the label {label!r} has no word",
                allowed="one word for each of " + ", ".join(map(repr, labels)),
                remedy="give it one in method_options.words: one token of the start model, as a character in Chinese",
            )
        word = str(words[label])
        # With a space before it, as in running text; tokenizers that keep no spaces give the same token without.
        tried = [tokenizer.encode(f"{space}{word}", add_special_tokens=False) for space in (" ", "")]
        one = next((tokens.ids[0] for tokens in tried if len(tokens.ids) == 1 and tokens.ids[0] not in unknown), None)
        if one is None:
            raise UsageError(
                f"the word {word!r} of the label {label!r} is no single token of the start model: "
                + " + ".join(tried[0].tokens),
                remedy="choose another word that is one token (a frequent one; one character in Chinese)",
            )
        if one in found:
            raise UsageError(
                f"the labels {found[one]!r} and {label!r} have the same word {word!r}",
                remedy="a word of its own for each",
            )
        found[one] = label
    return list(found)


def encode_in_pattern(texts: Sequence[str], pattern: str, tokenizer: Tokenizer, max_tokens: int) -> Encoded:
    """Tokenise texts in a pattern, special tokens included. A text that is too long gives way, the pattern never.

    Raises `UsageError` when the pattern alone fills `max_tokens`.
    """
    before, after = pattern.split(TEXT)
    opening, closing = _special_tokens(tokenizer)
    head = [*opening, *_pattern_ids(before, tokenizer)]
    tail = [*_pattern_ids(after, tokenizer), *closing]
    room = max_tokens - len(head) - len(tail)
    if room < 1:
        raise UsageError(f"the pattern leaves no room for the text in {max_tokens} tokens", remedy="train.max_tokens")
    masked = mask_id(tokenizer)
    unknown = next((n for token in _UNKNOWNS if (n := tokenizer.token_to_id(token)) is not None), masked)
    ids, truncated = [], []
    for encoding in tokenizer.encode_batch_fast([str(text) for text in texts], add_special_tokens=False):
        # A text that speaks of [MASK] must not be taken for the place.
        row = [unknown if token == masked else token for token in encoding.ids[:room]]
        truncated.append(len(encoding.ids) > room)
        ids.append(np.asarray([*head, *row, *tail], dtype=np.int32))
    return Encoded(ids, np.asarray(truncated, dtype=bool))


def _pattern_ids(part: str, tokenizer: Tokenizer) -> list[int]:
    if MASK not in part:
        return list(tokenizer.encode(part, add_special_tokens=False).ids)
    left, right = part.split(MASK)
    sides = [tokenizer.encode(side, add_special_tokens=False).ids for side in (left.rstrip(), right)]
    return [*sides[0], mask_id(tokenizer), *sides[1]]


def _special_tokens(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """Return what the tokenizer puts before and after a text."""
    inner = tokenizer.encode("a", add_special_tokens=False).ids
    whole = tokenizer.encode("a").ids
    place = next(start for start in range(len(whole)) if whole[start : start + len(inner)] == inner)
    return whole[:place], whole[place + len(inner) :]
