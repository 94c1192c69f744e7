"""Stretches of text that stand somewhere before already, by a suffix array (Lee et al. 2022, ExactSubstr).

The array is over UTF-8 bytes, and what comes out is snapped inwards to whole sentences or words, so that nothing is
ever cut within a character or a word.

Shape suffixes: C bytes, T texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from oreline.data.duplicates.tokens import I64

_END = 0xFF
"""Stands after each text; no byte of UTF-8 is it."""
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]»]*(?=\s|$)|[。！？；…]+[”’」』）》\"']*|\n+")
_SPACES = re.compile(r"\s+")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SINGLE = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")

Spans = list[tuple[int, int]]


def repeated(texts: Sequence[str], min_bytes: int) -> list[Spans]:
    """Return, for each text, the stretches (in characters) that repeat at least `min_bytes` of what stands before.

    The first of equal stretches is not among them. Memory: about 20 bytes for each byte of text.

    >>> repeated(["one fine day", "it was one fine day"], 8)
    [[], [(7, 19)]]
    """
    import pydivsufsort

    parts = [text.encode("utf-8", "surrogatepass") for text in texts]
    joined = b"".join([part + bytes([_END]) for part in parts])
    if len(joined) <= min_bytes:
        return [[] for _ in texts]
    codes_C = np.frombuffer(joined, np.uint8).copy()  # the library takes no read-only array
    order_C = pydivsufsort.divsufsort(codes_C)
    common_C = pydivsufsort.kasai(codes_C, order_C)
    ends_T = np.flatnonzero(codes_C == _END)
    repeats = _repeats(order_C, common_C, ends_T, min_bytes)
    found: list[Spans] = []
    begin = 0
    for part, end in zip(parts, ends_T.tolist(), strict=True):
        low, high = np.searchsorted(repeats[1], begin, side="right"), np.searchsorted(repeats[0], end)
        found.append([_characters(part, int(s) - begin, int(e) - begin) for s, e in repeats[:, low:high].T])
        begin = end + 1
    return found


def snapped(text: str, span: tuple[int, int], boundary: str) -> tuple[int, int] | None:
    """Return the largest stretch within a span that begins and ends between sentences (or words); None for none.

    >>> text = "One day. It rained all night. Then"
    >>> start, end = snapped(text, (3, 31), "sentence")
    >>> text[start:end]
    'It rained all night. '
    """
    start, end = span
    edges = _sentence_edges(text) if boundary == "sentence" else _word_edges(text)
    begins = [edge for edge in edges if edge >= start]
    finishes = [edge for edge in edges if edge <= end]
    if not begins or not finishes or finishes[-1] <= begins[0]:
        return None
    return begins[0], finishes[-1]


def _repeats(order_C: NDArray[np.int32], common_C: NDArray[np.int32], ends_T: I64, min_bytes: int) -> I64:
    """Return the stretches of bytes that repeat earlier ones as starts and ends, shape (2, R), ascending."""
    is_linked = common_C[: len(order_C) - 1] >= min_bytes  # entry i: what suffix i of the order shares with the next
    in_run = np.zeros(len(order_C), np.bool_)
    in_run[:-1] |= is_linked
    in_run[1:] |= is_linked
    places = np.flatnonzero(in_run)
    if not len(places):
        return np.zeros((2, 0), np.int64)
    is_start = np.ones(len(places), np.bool_)
    is_start[1:] = ~is_linked[places[1:] - 1]
    at = order_C[places].astype(np.int64)
    first = np.minimum.reduceat(at, np.flatnonzero(is_start))[np.cumsum(is_start) - 1]
    crosses = ends_T[np.searchsorted(ends_T, at)] < at + min_bytes
    # What overlaps its own first occurrence is a run of one repeated thing: its beginning stays.
    starts = np.sort(at[~crosses & (at >= first + min_bytes)])
    if not len(starts):
        return np.zeros((2, 0), np.int64)
    is_new = np.ones(len(starts), np.bool_)
    is_new[1:] = starts[1:] > starts[:-1] + min_bytes
    lasts = np.append(np.flatnonzero(is_new)[1:] - 1, len(starts) - 1)
    return np.stack([starts[is_new], starts[lasts] + min_bytes])


def _characters(part: bytes, start: int, end: int) -> tuple[int, int]:
    """Return a stretch of bytes as one of whole characters: the first whole one on, the last whole one in."""
    start, end = max(start, 0), min(end, len(part))
    while start < end and part[start] & 0xC0 == 0x80:
        start += 1
    while end > start and end < len(part) and part[end] & 0xC0 == 0x80:
        end -= 1
    before = len(part[:start].decode("utf-8", "surrogatepass"))
    return before, before + len(part[start:end].decode("utf-8", "surrogatepass"))


def _sentence_edges(text: str) -> list[int]:
    """Return where sentences begin and end; the white space between two belongs to the first."""
    edges = [0]
    for match in _SENTENCE_END.finditer(text):
        space = _SPACES.match(text, match.end())
        edges.append(space.end() if space else match.end())
    return edges if edges[-1] == len(text) else [*edges, len(text)]


def _word_edges(text: str) -> list[int]:
    """Return the places that lie in no word; between two characters of a writing without spaces all do."""
    inside = np.zeros(len(text) + 1, np.bool_)
    for match in _WORD.finditer(text):
        inside[match.start() + 1 : match.end()] = True
    for match in _SINGLE.finditer(text):
        inside[[match.start(), match.end()]] = False
    return np.flatnonzero(~inside).tolist()
