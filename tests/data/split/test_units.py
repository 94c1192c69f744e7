"""Units in the order in which they are placed: more in test_places.py, beside the split of rows in memory."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from tests.data.split.small_blocks import use_small_blocks

from oreline.data.duplicates.equal import EqualRows
from oreline.data.external.sorting import Sorted, coded
from oreline.data.split.classes import Classes
from oreline.data.split.units import Units


def units_of(roots: list[int], keys: list[int], *, seed: int = 0) -> Units:
    """Return the units of rows by the first row of each; a row that is its own alone is in none."""
    rows, all_keys = Sorted(max_bytes=0), EqualRows(1, max_bytes=0)
    joined = [row for row, root in enumerate(roots) if roots.count(root) > 1]
    rows.append(coded(np.array(roots, np.int64)[joined], np.array(joined, np.int64)))
    all_keys.add(np.array(keys, np.uint64))
    return Units(rows, all_keys, np.random.default_rng(seed), max_bytes=0)


@pytest.mark.parametrize("seed", range(4))
def test_large_units_come_first_with_the_classes_of_their_rows(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    use_small_blocks(monkeypatch)
    random = np.random.default_rng(seed)
    groups = np.minimum(random.zipf(1.5, 200), 60)
    roots = [int(np.flatnonzero(groups == group)[0]) for group in groups]
    labels = random.integers(0, 4, 200)
    units = units_of(roots, random.permutation(200).tolist(), seed=seed)
    classes = Classes(4, max_bytes=0)
    classes.append(labels)
    found = [dict(zip(*(part.tolist() for part in unit))) for some in units.classes(classes) for unit in some]
    assert len(found) == len(units) == sum(count > 1 for count in Counter(roots).values())
    magnitudes = [sum(counts.values()).bit_length() for counts in found]
    assert magnitudes == sorted(magnitudes, reverse=True)
    of_place: dict[int, list[int]] = {}
    for places_P, rows_P in units.rows():
        for place, row in zip(places_P.tolist(), rows_P.tolist()):
            of_place.setdefault(place, []).append(row)
    assert [Counter(labels[of_place[place]].tolist()) for place in range(len(units))] == found
    assert all(len({roots[row] for row in rows}) == 1 for rows in of_place.values())


def test_the_order_follows_the_least_keys_and_not_the_places_of_rows() -> None:
    """The same texts in another order of rows: units of one size are drawn alike, also where halves of keys are equal."""
    keys = [(1 << 40) + 7, 9, (1 << 40) + 2, 11, 3 << 33, 8]
    roots = [0, 0, 2, 2, 4, 4]
    names = {0: "a", 2: "b", 4: "c"}
    order = [4, 5, 3, 2, 1, 0]
    drawn = []
    for rows in (list(range(6)), order):
        moved = [min(rows.index(row) for row in range(6) if roots[row] == roots[old]) for old in rows]
        units = units_of(moved, [keys[old] for old in rows], seed=3)
        of_place = {
            int(place): names[roots[rows[row]]] for places, own in units.rows() for place, row in zip(places, own)
        }
        drawn.append([of_place[place] for place in range(3)])
    assert drawn[0] == drawn[1]


def test_no_units() -> None:
    units = units_of([0, 1, 2], [5, 6, 7])
    assert (len(units), list(units.rows()), list(units.classes(Classes(1, max_bytes=0)))) == (0, [], [])
