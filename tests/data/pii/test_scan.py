"""Columns of texts."""

from __future__ import annotations

import polars as pl

from oreline.data.pii.kinds import DEFAULT_KINDS, kinds_of
from oreline.data.pii.scan import find
from oreline.data.pii.spans import Span

KINDS = kinds_of(DEFAULT_KINDS)


def test_a_text_is_judged_alone_or_in_a_column_the_same() -> None:
    texts = ["电话13812345678", "clean", None, "a@b.com", "", "订单号13812345678", "全角１３８１２３４５６７８"]
    together = find(pl.Series(texts, dtype=pl.String), KINDS)
    assert list(together) == [0, 3, 6]
    for number, text in enumerate(texts):
        assert find(pl.Series([text], dtype=pl.String), KINDS).get(0) == together.get(number)


def test_what_else_was_found_gives_way() -> None:
    more = {0: [Span(0, 2, "name"), Span(2, 13, "name")], 1: [Span(0, 3, "name")]}
    found = find(pl.Series(["电话13812345678", "Ann"]), KINDS, more)
    assert found == {0: [Span(0, 2, "name"), Span(2, 13, "mobile")], 1: [Span(0, 3, "name")]}


def test_nothing_at_all() -> None:
    assert find(pl.Series([], dtype=pl.String), KINDS) == {}
    assert find(pl.Series([None], dtype=pl.String), KINDS) == {}
    assert find(pl.Series(["13812345678"]), []) == {}
