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

from oreline.generation import Generation
from oreline.models.batch import make_batch
from oreline.models.generation import keys_of
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
    generation: Generation,
    *,
    pad_id: int,
    device: Any = "cpu",
    end_ids: Sequence[int] | None = None,
) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Answer one batch: an object array of B `Written`, and the embeddings (B, D).

    Args:
        head: a head that writes.
        model: its module, in evaluation mode.
        encoded: what is read, a row at least.
        tokenizer: turns tokens back into texts; special tokens are left out.
        generation: how texts are written.
        pad_id: what fills short rows up.
        device: where the model lies.
        end_ids: tokens that end an answer; the model's own when not given.
    """
    make = getattr(head, "make_batch", make_batch)
    batch = make(encoded.ids, pad_id, segments=encoded.segments, device=device)
    answers, embedding_BD = head.write(model, batch, generation, keys_of(encoded.ids), end_ids)
    by_word = has_words(tokenizer)
    written = np.empty(len(answers), dtype=object)
    for row, found in enumerate(answers):
        once: dict[str, float] = {}  # other tokens may stand for the same text: the more probable ones count
        for answer in found:
            text = decoded(tokenizer, answer.ids, by_word=by_word)
            once.setdefault(text, min(math.exp(answer.log_probability), 1.0))
        written[row] = Written(tuple(once), tuple(once.values()))
    return written, embedding_BD


def decoded(tokenizer: Tokenizer, ids: Sequence[int], *, by_word: bool) -> str:
    """Return the text of tokens, special ones left out; `by_word`: without spaces between Chinese characters."""
    text = tokenizer.decode(list(ids), skip_special_tokens=True).strip()
    return _SPACE_INSIDE.sub("", text) if by_word else text


def has_words(tokenizer: Tokenizer) -> bool:
    """Whether a tokenizer cuts at spaces and forgets them: BERT's, whose decoder puts one before every word."""
    model = json.loads(tokenizer.to_str())["model"]["type"]
    return model in ("WordPiece", "WordLevel")
