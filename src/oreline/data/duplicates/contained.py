"""Which documents hold a text whole: by the share of its runs of 13 words (20 characters) that stand in them.

Thirteen words are what language models' test sets are usually searched by (Brown et al. 2020, appendix C). A run of as
many Chinese characters is a common phrase, so that there it is 20, about as long in words. Texts shorter than one run
are not looked for: they would be found by chance.

Shape suffixes: N texts, M runs, P pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from oreline.data.duplicates.near import Pair
from oreline.data.duplicates.shingles import runs
from oreline.data.duplicates.tokens import I64, U64, tokens

WORDS, CHARACTERS = 13, 20
"""Tokens in a run, of texts in words and of texts in characters."""
SHARE = 0.8
"""Of a text's runs that a document must hold."""
_MAX_OWNERS = 64
"""Texts that one run is counted for: what more of them share is boilerplate."""


class _Runs(NamedTuple):
    """The distinct runs of some texts, ascending: run m is of the texts `owners[starts_M[m]:starts_M[m + 1]]`."""

    hashes_M: U64
    starts_M: I64
    owners: I64


class ContainedIndex:
    """Finds, for documents, the texts of the index that they hold.

    >>> text = "it was the best of times it was the worst of times it was the age of wisdom"
    >>> index = ContainedIndex(pl.Series([text]))
    >>> index.matches(pl.Series([f"He wrote: {text.upper()}!"]))
    [Pair(text=0, indexed=0, similarity=1.0)]
    """

    def __init__(self, texts: pl.Series) -> None:
        found = tokens(texts)
        in_characters_N = found.num_single_N * 2 > found.counts_N
        self._runs: dict[int, _Runs] = {}
        self._num_runs_N = np.zeros(len(texts), np.int64)
        for size, chosen_N in ((WORDS, ~in_characters_N), (CHARACTERS, in_characters_N)):
            hashes, owners = runs(found, size)
            hashes, owners = _distinct(hashes[chosen_N[owners]], owners[chosen_N[owners]])
            if len(hashes):
                self._runs[size] = _grouped(hashes, owners)
                self._num_runs_N += np.bincount(owners, minlength=len(texts))

    def matches(self, texts: pl.Series) -> list[Pair]:
        """Return the pairs of a document and a text that it holds, with the share of the text's runs."""
        found = tokens(texts)
        pairs = []
        for size, known in self._runs.items():
            hashes, documents = _distinct(*runs(found, size))
            places = np.minimum(np.searchsorted(known.hashes_M, hashes), len(known.hashes_M) - 1)
            is_known = known.hashes_M[places] == hashes
            places, documents = places[is_known], documents[is_known]
            starts = known.starts_M[places]
            counts = np.minimum(known.starts_M[places + 1] - starts, _MAX_OWNERS)
            ends = np.cumsum(counts)
            owners = known.owners[np.arange(counts.sum()) + np.repeat(starts - ends + counts, counts)]
            codes, numbers = np.unique(
                np.repeat(documents, counts) * len(self._num_runs_N) + owners, return_counts=True
            )
            held, owner = np.divmod(codes, len(self._num_runs_N))
            share = numbers / self._num_runs_N[owner]
            pairs += [
                Pair(int(held[n]), int(owner[n]), float(share[n])) for n in np.flatnonzero(share >= SHARE).tolist()
            ]
        return sorted(pairs)


def _distinct(hashes: U64, owners: I64) -> tuple[U64, I64]:
    """Return each run of a text once."""
    order = np.lexsort([owners, hashes])
    hashes, owners = hashes[order], owners[order]
    is_new = np.ones(len(hashes), np.bool_)
    is_new[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
    return hashes[is_new], owners[is_new]


def _grouped(hashes: U64, owners: I64) -> _Runs:
    distinct, starts = np.unique(hashes, return_index=True)
    return _Runs(distinct, np.concatenate([starts, [len(hashes)]]), owners)
