"""How much of a text is n-grams that come again, as Gopher counts it (Rae et al. 2021, table A1).

A repeated n-gram is two repeated (n-1)-grams, so only what repeats is looked at again for the next n.

Legend: T tokens, N texts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oreline.data.quality.tokens import Tokens, in_document

TOP = (2, 3, 4)
DUPLICATED = tuple(range(5, 11))
_FACTOR = 0x2545F4914F6CDD1D
_MOST = (1 << 20) - 1
"""Highest count that is told apart."""


def repetition(tokens: Tokens) -> dict[str, NDArray[np.int64]]:
    """Return characters of each text, (N,), in its most frequent n-gram (2 to 4) and in n-grams seen before (5 to 10).

    The most frequent n-gram counts with the spaces between its words, in Chinese too: the published thresholds do. One
    that occurs once is no repetition. An n-gram seen before is counted, and the next one begins after it.
    """
    ends = np.zeros(len(tokens.start_T) + 1, np.int64)
    np.cumsum(tokens.end_T - tokens.start_T, out=ends[1:])
    doc_end_T = np.repeat(np.cumsum(tokens.num_tokens_N), tokens.num_tokens_N)
    places, hashes = np.arange(len(tokens.start_T)), tokens.token_hashes
    last = max(len(hashes) - 1, 0)
    joined = hashes
    found = {}
    for n in (*TOP, *DUPLICATED):
        joined = joined * _FACTOR + hashes[np.minimum(places + (n - 1), last)]
        fits = places + n <= doc_end_T[places]
        places, joined = places[fits], joined[fits]
        chosen, keys, groups = _repeated(places, in_document(joined, tokens.doc_T[places]))
        places, joined = places[chosen], joined[chosen]
        if n in TOP:
            found[f"top_{n}_gram"] = _most_frequent(tokens, ends, groups, n)
        else:
            found[f"dup_{n}_gram"] = _seen_before(tokens, ends, places, keys, n)
        is_repeated = np.zeros(len(tokens.start_T) + 1, np.bool_)
        is_repeated[places] = True
        goes_on = is_repeated[places + 1]
        places, joined = places[goes_on], joined[goes_on]
    return found


class _Groups:
    """N-grams that occur at least twice in a text: how often, and where first."""

    def __init__(self, count: NDArray[np.int64], first: NDArray[np.int64]) -> None:
        self.count, self.first = count, first


def _repeated(
    places: NDArray[np.int64], keys: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.uint64], _Groups]:
    """Return which places, ascending, have a key that occurs at least twice, these keys, and their groups."""
    order = np.argsort(keys)
    ordered = keys[order]
    equals_next = np.append(ordered[1:] == ordered[:-1], False)[: len(ordered)]
    equals_last = np.append(False, equals_next[:-1])[: len(ordered)]
    chosen = np.flatnonzero(equals_next | equals_last)
    first = np.flatnonzero(~equals_last[chosen])
    if not len(first):
        return first, keys[:0], _Groups(first, first)
    own = order[chosen]
    groups = _Groups(np.diff(np.append(first, len(chosen))), places[np.minimum.reduceat(own, first)])
    own = np.sort(own)
    return own, keys[own], groups


def _most_frequent(tokens: Tokens, ends: NDArray[np.int64], groups: _Groups, n: int) -> NDArray[np.int64]:
    """Return the characters of each text's most frequent n-gram, times its count; of equal counts the first one's."""
    found = np.zeros(tokens.num_texts, np.int64)
    # Text, rarity and place in one number: the lowest of each text is the one. Places fit, as texts are cut.
    rarity = _MOST - np.minimum(groups.count, _MOST)
    ranked = np.sort((tokens.doc_T[groups.first] << 41) | (rarity << 21) | groups.first)
    docs = ranked >> 41
    best = ranked[np.diff(docs, prepend=-1) > 0]
    first, count = best & ((1 << 21) - 1), _MOST - ((best >> 21) & _MOST)
    found[best >> 41] = (ends[first + n] - ends[first] + n - 1) * count
    return found


def _seen_before(
    tokens: Tokens, ends: NDArray[np.int64], places: NDArray[np.int64], keys: NDArray[np.uint64], n: int
) -> NDArray[np.int64]:
    found = np.zeros(tokens.num_texts, np.int64)
    seen: set[int] = set()
    free, counted = 0, []
    for place, key in zip(places.tolist(), keys.tolist()):
        if place < free:
            continue
        if key in seen:
            counted.append(place)
            free = place + n
        else:
            seen.add(key)
    begins = np.array(counted, np.int64)
    np.add.at(found, tokens.doc_T[begins], ends[begins + n] - ends[begins])
    return found
