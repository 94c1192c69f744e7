"""Texts by their places."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from oreline.data.external.texts import Texts


@pytest.mark.parametrize("max_bytes", [0, 30, 1 << 20])
def test_texts_come_back_in_any_order(max_bytes: int) -> None:
    kept = ["", "a", "影片很好", "🎬", "a\nb", "é" * 5000, ""]
    texts = Texts(max_bytes=max_bytes)
    for begin in range(0, len(kept), 3):
        texts.append(pl.Series(kept[begin : begin + 3]))
    texts.append(pl.Series([], dtype=pl.String))
    places = np.array([6, 2, 2, 5, 0, 3, 1, 4])
    assert texts.at(places).to_list() == [kept[place] for place in places]
    assert texts.at(places[:0]).dtype == pl.String
