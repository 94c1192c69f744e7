"""Signatures and their bands, against the formula and against datasketch."""

from __future__ import annotations

import random

import numpy as np
import polars as pl
import pytest

from oreline.data.duplicates.minhash import band_keys, bands
from oreline.data.duplicates.shingles import Sets, shingle_sets
from oreline.data.duplicates.tokens import tokens

WORDS = [f"word{number}" for number in range(300)]


def sets_of(texts: list[str]) -> Sets:
    return shingle_sets(tokens(pl.Series(texts)), near=0.8, size=1)


def overlapping(similarity: float, num_pairs: int, size: int = 90) -> tuple[list[str], list[str]]:
    """Return pairs of texts whose sets of words have a similarity."""
    source = random.Random(1)
    common = round(2 * size * similarity / (1 + similarity))
    firsts, seconds = [], []
    for _ in range(num_pairs):
        words = source.sample(WORDS, 2 * size - common)
        firsts.append(" ".join(words[:size]))
        seconds.append(" ".join(words[size - common :]))
    return firsts, seconds


@pytest.mark.parametrize("similarity", [0.5, 0.7, 0.8])
def test_candidates_appear_as_often_as_the_formula_says(similarity: float) -> None:
    num_bands, num_rows = bands(0.8)
    firsts, seconds = overlapping(similarity, 1500)
    found = [band_keys(sets_of(texts), num_bands, num_rows) for texts in (firsts, seconds)]
    rate = (found[0] == found[1]).any(axis=1).mean()
    assert rate == pytest.approx(1 - (1 - similarity**num_rows) ** num_bands, abs=0.04)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.65, 0.8, 0.95])
def test_nearly_all_pairs_at_the_threshold_become_candidates(threshold: float) -> None:
    num_bands, num_rows = bands(threshold)
    assert 0.997 <= 1 - (1 - threshold**num_rows) ** num_bands < 0.9999


def test_the_estimate_is_as_good_as_that_of_datasketch() -> None:
    """The share of equal entries, one in a band, estimates the similarity: at 0.6, over 300 pairs, without bias."""
    datasketch = pytest.importorskip("datasketch")
    firsts, seconds = overlapping(0.6, 300)
    ours = [band_keys(sets_of(texts), 128, 1) for texts in (firsts, seconds)]
    errors = (ours[0] == ours[1]).mean(axis=1) - 0.6
    theirs = []
    for pair in zip(firsts, seconds):
        hashes = [datasketch.MinHash(num_perm=128) for _ in pair]
        for hash_, text in zip(hashes, pair):
            hash_.update_batch([word.encode() for word in text.split()])
        theirs.append(hashes[0].jaccard(hashes[1]) - 0.6)
    assert abs(errors.mean()) < 0.01
    assert errors.std() < 1.2 * np.std(theirs)


def test_keys_do_not_depend_on_the_company() -> None:
    texts = overlapping(0.5, 30)[0]
    together = band_keys(sets_of(texts), 20, 6)
    alone = np.concatenate([band_keys(sets_of([text]), 20, 6) for text in texts])
    assert np.array_equal(together, alone)
