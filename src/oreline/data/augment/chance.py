"""Random numbers that follow from a seed and a row, so that a row's variants are the same wherever they are made."""

from __future__ import annotations

import hashlib
import random


def chance(seed: int, operator: str, row_id: str) -> random.Random:
    """Return random numbers of one row.

    >>> chance(0, "augment_words", "a:1").randrange(1000) == chance(0, "augment_words", "a:1").randrange(1000)
    True
    """
    told = f"{seed}\x1f{operator}\x1f{row_id}".encode("utf-8", "surrogatepass")
    return random.Random(int.from_bytes(hashlib.blake2b(told, digest_size=16).digest(), "little"))
