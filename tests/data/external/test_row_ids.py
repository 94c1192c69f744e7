"""Ids by places."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.external import row_ids as module
from oreline.data.external.row_ids import RowIds

IDS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=1, max_size=40)


@given(IDS, st.data(), st.sampled_from([0, 1 << 20]))
def test_places_become_ids(ids: list[str], data: st.DataObject, max_bytes: int) -> None:
    places = data.draw(st.lists(st.integers(0, len(ids) - 1)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", 7)
        rows = RowIds(pl.LazyFrame({"row_id": ids, "n": range(len(ids))}), max_bytes=max_bytes)
        found = rows.at(np.array(places, np.int64)).to_list()
    assert found == [ids[place] for place in places]


def test_nothing_is_read_before_an_id_is_asked_for() -> None:
    num_read = []
    scan = pl.LazyFrame({"row_id": ["a:1"]}).map_batches(lambda frame: (num_read.append(frame.height), frame)[1])
    rows = RowIds(scan, max_bytes=0)
    assert not num_read
    assert rows.at(np.array([0])).to_list() == rows.at(np.array([0])).to_list() == ["a:1"]
    assert num_read == [1]


def test_of_a_part_of_a_frame() -> None:
    scan = pl.DataFrame({"row_id": [f"数据:{number}" for number in range(100)]}).lazy().slice(20, 50)
    found = RowIds(scan.filter(pl.col("row_id") != "数据:21"), max_bytes=0)
    assert found.at(np.array([1, 0, 48])).to_list() == ["数据:22", "数据:20", "数据:69"]
