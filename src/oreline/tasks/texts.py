"""Turn one or two texts a row into token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from oreline.types import Columns, Encoded

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer


def encode_texts(columns: Columns, roles: Sequence[str], tokenizer: Tokenizer, max_tokens: int) -> Encoded:
    """Tokenise the columns of one or two roles, special tokens included, cut to `max_tokens`.

    One text keeps its beginning and the closing special token. Of two, the longer one gives way first, so that a short
    question keeps all of its words beside a long passage; token types tell the two apart where the model has types.
    """
    texts = [[str(text) for text in columns[role]] for role in roles]
    if len(roles) == 1:
        return _single(tokenizer.encode_batch_fast(texts[0]), max_tokens)
    return _pairs(tokenizer, texts[0], texts[1], max_tokens)


def _single(encodings: Sequence[Encoding], max_tokens: int) -> Encoded:
    ids, truncated = [], []
    for encoding in encodings:
        row = encoding.ids
        truncated.append(len(row) > max_tokens)
        if len(row) > max_tokens:
            row = row[: max_tokens - 1] + row[-1:]  # keep the closing special token
        ids.append(np.asarray(row, dtype=np.int32))
    return Encoded(ids, np.asarray(truncated, dtype=bool))


def _pairs(tokenizer: Tokenizer, firsts: Sequence[str], seconds: Sequence[str], max_tokens: int) -> Encoded:
    room = max_tokens - tokenizer.num_special_tokens_to_add(is_pair=True)
    ids, segments, truncated = [], [], []
    sides = [tokenizer.encode_batch(list(side), add_special_tokens=False) for side in (firsts, seconds)]
    for first, second in zip(*sides, strict=True):
        kept = split_room(len(first.ids), len(second.ids), room)
        truncated.append(kept != (len(first.ids), len(second.ids)))
        for side, num_tokens in zip((first, second), kept):
            side.truncate(num_tokens)
        joined = tokenizer.post_process(first, second, add_special_tokens=True)
        ids.append(np.asarray(joined.ids, dtype=np.int32))
        segments.append(np.asarray(joined.type_ids, dtype=np.int32))
    has_types = any(row.any() for row in segments)
    return Encoded(ids, np.asarray(truncated, dtype=bool), segments if has_types else None)


def split_room(num_first: int, num_second: int, room: int) -> tuple[int, int]:
    """Return how many tokens of each text are kept when only `room` fit: the longer one is cut first.

    >>> split_room(5, 100, room=50), split_room(60, 100, room=50), split_room(5, 6, room=50)
    ((5, 45), (25, 25), (5, 6))
    """
    if num_first + num_second <= room:
        return num_first, num_second
    half = (room + 1) // 2  # an odd token belongs to the first
    if num_first <= half:
        return num_first, room - num_first
    if num_second <= room - half:
        return room - num_second, num_second
    return half, room - half
