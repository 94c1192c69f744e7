"""Keys and their places, against a dictionary."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.data.external import keys as module
from oreline.data.external.keys import Keys
from oreline.data.external.spool import Spool


@pytest.mark.parametrize("max_bytes", [0, 1 << 20], ids=["disk", "memory"])
def test_places_are_those_of_a_dictionary(max_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    known = random.integers(1 << 63, size=3000, dtype=np.uint64)
    known[::3] = known[::3] >> np.uint64(20) << np.uint64(20)  # many begin at one slot, and walk
    known = np.unique(known)
    random.shuffle(known)
    spool = Spool(np.uint64, max_bytes=max_bytes)
    for part in np.array_split(known, 7):
        spool.append(part)
    monkeypatch.setattr(module, "BLOCK", 100)
    keys = Keys(spool, max_bytes=max_bytes)
    place_of = {key: place for place, key in enumerate(known.tolist())}
    asked = np.concatenate([random.permutation(known), random.integers(1 << 63, size=500, dtype=np.uint64), known[:9]])
    assert keys.places(asked).tolist() == [place_of.get(key, -1) for key in asked.tolist()]


def test_nothing_is_among_no_keys() -> None:
    keys = Keys(Spool(np.uint64, max_bytes=0), max_bytes=0)
    assert keys.places(np.array([0, 7], np.uint64)).tolist() == [-1, -1]
    assert keys.places(np.zeros(0, np.uint64)).tolist() == []
