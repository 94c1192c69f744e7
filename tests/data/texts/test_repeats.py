"""Repeated parts are found in many texts at once, as a regular expression finds them in each."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.texts.repeats import has_repeats

TEXTS = st.lists(st.text(st.sampled_from("ab哈😂!"), max_size=12), max_size=6)


@given(texts=TEXTS, max_unit=st.integers(1, 3), num=st.integers(2, 4))
def test_it_equals_a_pattern_for_each_text(texts: list[str], max_unit: int, num: int) -> None:
    pattern = re.compile(rf"(.{{1,{max_unit}}}?)\1{{{num - 1},}}")
    found = has_repeats(pl.Series(texts, dtype=pl.String), max_unit=max_unit, num=num)
    assert found.to_list() == [bool(pattern.search(text)) for text in texts]


@pytest.mark.parametrize("texts", [[], [None], ["", None, ""]])
def test_nothing_is_repeated_in_nothing(texts: list[str | None]) -> None:
    assert not has_repeats(pl.Series(texts, dtype=pl.String), max_unit=4, num=3).any()
