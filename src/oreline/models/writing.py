"""Answer a batch of rows with texts, by a model that writes.

Shape suffixes: B rows of one batch, D width.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline.generation import Asked
from oreline.models.batch import make_batch
from oreline.models.generation import Manner, keys_of
from oreline.types import Encoded, Written

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

_CJK = r"\u3001-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
_SPACE_INSIDE = re.compile(rf"(?<=[{_CJK}]) (?=[{_CJK}])")


def write(
    head: Any,
    model: Any,
    encoded: Encoded,
    tokenizer: Tokenizer,
    task: Any,
    *,
    pad_id: int,
    device: Any = "cpu",
    asked: Sequence[Asked] | None = None,
) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Answer one batch: an object array of B `Written`, and the embeddings (B, D).

    Args:
        head: a head that writes.
        model: its module, in evaluation mode.
        encoded: what is read, a row at least.
        tokenizer: turns tokens back into texts; special tokens are left out.
        task: its `generation` is how texts are written; its end tokens count where it knows them, else the model's own.
        pad_id: what fills short rows up.
        device: where the model lies.
        asked: what each row asks for of its own, see `oreline.models.generation.Manner`.
    """
    make = getattr(head, "make_batch", make_batch)
    batch = make(encoded.ids, pad_id, segments=encoded.segments, device=device)
    tell = None if asked is None else [one.tell for one in asked]
    manner = Manner(task.generation, keys_of(encoded.ids, asked), end_ids(task, tokenizer), tell)
    answers, embedding_BD = head.write(model, batch, manner)
    by_word = has_words(tokenizer)
    written = np.empty(len(answers), dtype=object)
    for row, found in enumerate(answers):
        once: dict[str, float] = {}  # other tokens may stand for the same text: the more probable ones count
        for answer in found:
            text = tidied(decoded(tokenizer, answer.ids), by_word=by_word)
            once.setdefault(text, min(math.exp(answer.log_probability), 1.0))
        written[row] = Written(tuple(once), tuple(once.values()))
    return written, embedding_BD


def end_ids(task: Any, tokenizer: Tokenizer) -> list[int] | None:
    """Return the tokens that end an answer, where the task knows them; else the model does."""
    return list(task.end_ids(tokenizer)) if hasattr(task, "end_ids") else None


def decoded(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """Return what tokens say, special ones left out."""
    return str(tokenizer.decode(list(ids), skip_special_tokens=True))


def tidied(text: str, *, by_word: bool) -> str:
    """Return an answer without white space around it; `by_word`: without spaces between Chinese characters.

    >>> tidied(" 好 电 影 a film ", by_word=True)
    '好电影 a film'
    """
    text = text.strip()
    return _SPACE_INSIDE.sub("", text) if by_word else text


def has_words(tokenizer: Tokenizer) -> bool:
    """Whether a tokenizer cuts at spaces and forgets them: BERT's, whose decoder puts one before every word."""
    model = json.loads(tokenizer.to_str())["model"]["type"]
    return model in ("WordPiece", "WordLevel")
