"""`method="auto"`: the method that fits the language, the number of rows and the start model.

In order:

0. No start model was asked for and three tenths of the letters are Chinese: `linear`.
1. The start model's tokenizer knows less than nine tenths of the words (Chinese text with an English
   MiniLM: 64 % unknown): `linear`, character n-grams, which need no vocabulary.
2. Fewer than `FEW_ROWS` training rows: `head`; there is too little to move a whole encoder.
3. Otherwise `full`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.api import names

if TYPE_CHECKING:
    from oreline.data.dataset import Dataset

FEW_ROWS = 200
MAX_UNKNOWN = 0.1
MANY_HAN = 0.3
SAMPLE_ROWS = 500
DEFAULT_START = "catalog:minilm-l6-en"


def method(data: Dataset, start: Any) -> tuple[str, Any, str]:
    """Return the method, the start model to use with it, and the reason in one sentence."""
    split = "train" if "train" in data.splits else data.splits[0]
    texts = [str(text) for text in data.scan(split, ["text"]).head(SAMPLE_ROWS).collect()["text"]]
    return decide(data.num_rows(split), texts, start)


def decide(num_rows: int, texts: list[str], start: Any) -> tuple[str, Any, str]:
    """Choose from the number of training rows, some of their texts, and the start model asked for (or None)."""
    if start is None and han_share(texts) > MANY_HAN:
        return "linear", None, "the texts are Chinese and no Chinese start model was given"
    start = DEFAULT_START if start is None else start
    folder = names.start_folder(start)
    unknown = unknown_share(folder, texts) if folder is not None else 1.0
    if unknown > MAX_UNKNOWN:
        return "linear", None, f"{unknown:.0%} of the texts' tokens are unknown to the start model {start}"
    if num_rows < FEW_ROWS:
        return "head", start, f"{num_rows} training rows are too few to train the whole encoder ({FEW_ROWS} are not)"
    return "full", start, f"{num_rows:,} training rows, and the start model {start} knows their words"


def han_share(texts: list[str]) -> float:
    """Return the share of Chinese characters among all letters.

    >>> han_share(["好 ok"])
    0.3333333333333333
    """
    letters = [character for text in texts for character in text if character.isalpha()]
    return sum("\u4e00" <= character <= "\u9fff" for character in letters) / max(len(letters), 1)


def unknown_share(folder: Path, texts: list[str]) -> float:
    """Return the share of tokens that a start model's tokenizer does not know."""
    from tokenizers import Tokenizer

    file = folder / "tokenizer.json"
    if not file.is_file():
        return 0.0  # nothing to measure with; loading it will say what is wrong
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    unknown = {tokenizer.token_to_id(token) for token in ("[UNK]", "<unk>")} - {None}
    ids = [token for text in texts for token in tokenizer.encode(text, add_special_tokens=False).ids]
    return sum(token in unknown for token in ids) / max(len(ids), 1)
