"""Capital letters for a model whose tokenizer folds them away: the tokens' segments tell them.

Most small encoders read lower case only, and capitals are half of what makes a name a name. Such a model has segments,
0 and 1, for the two texts of a pair; where a task has one text, its second one is free to say "this word has a capital
letter". So weights, graphs and file layout stay as they are. Decision 045 has the figures.

Shape suffix: T tokens of one row.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oreline.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer


def capitals_of(encoding: Encoding, words: Sequence[str]) -> NDArray[np.int32]:
    """Return 1 for each token of a word with a capital letter, else 0, (T,)."""
    has_capital = [word != word.lower() for word in words]
    marks_T = [word is not None and has_capital[word] for word in encoding.word_ids]
    return np.asarray(marks_T, dtype=np.int32)


def tells_capitals(folder: Path, tokenizer: Tokenizer, asked: bool | None) -> bool:
    """Return whether capitals are told to a start model: as asked for; else where they are lost otherwise, and can be.

    Raises `UsageError` where it is asked for and the model has one segment only.
    """
    has_segments = _num_segments(folder) > 1
    if asked and not has_segments:
        raise UsageError(
            "the start model has no segment that could tell capital letters",
            where=str(folder),
            remedy="leave capitals out of the task's options, or begin with a model of the BERT family",
        )
    return has_segments and _folds_case(tokenizer) if asked is None else asked


def _num_segments(folder: Path) -> int:
    """Return how many segments the model has; 0 where that cannot be read, which fails when the model is opened."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return int(config.get("type_vocab_size") or 0)
    except (OSError, ValueError, TypeError, AttributeError):
        return 0


def _folds_case(tokenizer: Tokenizer) -> bool:
    return bool(tokenizer.encode("Anna MET Bob").ids == tokenizer.encode("anna met bob").ids)
