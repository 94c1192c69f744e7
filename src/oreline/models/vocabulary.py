"""Learn a tokenizer from texts: pieces of words, with the normaliser and the special tokens of BERT.

Chinese characters stand apart, whatever is learnt. The same texts give the same tokenizer, byte for byte.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from oreline.errors import DataError, UsageError
from oreline.store import write_json

PAD, UNKNOWN, FIRST, LAST, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL = [PAD, UNKNOWN, FIRST, LAST, MASK]
PAD_ID = 0
PIECES = ("wordpiece", "bpe")
SMALLEST = 20
_INSIDE = "##"


def learn(texts: Sequence[str], *, size: int, pieces: str = "wordpiece", lowercase: bool = True) -> Tokenizer:
    """Return a tokenizer of about `size` pieces, learnt from texts.

    Args:
        texts: those of the training rows alone, or dev and test would be known to the model.
        size: pieces, special ones and single characters included. Of these the most frequent ones are kept, as many as
            a quarter of the size, and the others are unknown; that of Chinese with its thousands needs a larger size.
        pieces: what joins the most frequent neighbours: `wordpiece` cuts a word into the longest pieces that there are,
            `bpe` by the joins in their order.
        lowercase: fold capitals and accents.

    Raises:
        DataError: the texts hold no word.
        UsageError: an unknown kind, or a size that special tokens and letters fill.
    """
    check(size=size, pieces=pieces)
    model = models.BPE(unk_token=UNKNOWN, continuing_subword_prefix=_INSIDE)
    tokenizer = Tokenizer(model if pieces == "bpe" else models.WordPiece(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    characters = _characters(texts, tokenizer, size // 4)
    if not characters:
        raise DataError("the training rows hold no word to learn a vocabulary from", remedy="check the text column")
    # The trainer numbers pieces inside of words as it meets them, in an order that changes from run to run, and its
    # ties with it. Numbered beforehand, as if they were special, they have one order.
    inside = [_INSIDE + character for character in characters if _joins(character, tokenizer)]
    trainer = trainers.BpeTrainer if pieces == "bpe" else trainers.WordPieceTrainer
    given: dict[str, Any] = {
        "vocab_size": size,
        "special_tokens": [*SPECIAL, *inside],
        "initial_alphabet": characters,
        "limit_alphabet": len(characters),
        "min_frequency": 2,
        "continuing_subword_prefix": _INSIDE,
        "show_progress": False,
    }
    tokenizer.train_from_iterator(texts, trainer(**given))
    return _finished(tokenizer)


def check(*, size: int, pieces: str) -> None:
    """Raise `UsageError` for an unknown kind of pieces or too small a vocabulary."""
    if pieces not in PIECES:
        raise UsageError(f"pieces is {pieces!r}", allowed=", ".join(PIECES))
    if not isinstance(size, int) or size < SMALLEST:
        raise UsageError(f"vocabulary is {size!r}", allowed=f"a whole number from {SMALLEST}")


def write(tokenizer: Tokenizer, folder: Path, *, lowercase: bool, max_tokens: int) -> None:
    """Write `tokenizer.json`, and `tokenizer_config.json`, by which transformers opens it too."""
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {"pad": PAD, "unk": UNKNOWN, "cls": FIRST, "sep": LAST, "mask": MASK}
    described = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "do_lower_case": lowercase,
        "model_max_length": max_tokens,
        **{f"{name}_token": token for name, token in named.items()},
    }
    write_json(folder / "tokenizer_config.json", described)


def _characters(texts: Sequence[str], tokenizer: Tokenizer, limit: int) -> list[str]:
    """Return the most frequent characters as the normaliser leaves them, sorted; equal ones by their code."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(tokenizer.normalizer.normalize_str(text))
    kept = sorted((character for character in counts if not character.isspace()), key=lambda c: (-counts[c], c))
    return sorted(kept[:limit])


def _joins(character: str, tokenizer: Tokenizer) -> bool:
    """Whether a character can stand inside of a word: Chinese ones and punctuation are words of their own."""
    found = tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(f"a{character}a"))
    return len(found) == 1


def _finished(trained: Tokenizer) -> Tokenizer:
    """Return the tokenizer with the special tokens alone as special, and one text or two between them."""
    described = json.loads(trained.to_str())
    described["added_tokens"] = [token for token in described["added_tokens"] if token["content"] in SPECIAL]
    tokenizer = Tokenizer.from_str(json.dumps(described))
    tokenizer.decoder = decoders.WordPiece(prefix=_INSIDE)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{FIRST} $A {LAST}",
        pair=f"{FIRST} $A {LAST} $B {LAST}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (FIRST, LAST)],
    )
    return tokenizer
