"""Columns of texts."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.pii.pieces import PIECES

from oreline.data.pii.kinds import DEFAULT_KINDS, KIND_NAMES, kinds_of
from oreline.data.pii.scan import find
from oreline.data.pii.spans import FOLDABLE, Hint, Kind, Places, Span, folded, without_overlaps

KINDS = kinds_of(DEFAULT_KINDS)
ALL = kinds_of(KIND_NAMES, titles=True, private_ips=True, phone_regions=["US", "GB"])
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


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


def _plainly(texts: list[str], kinds: list[Kind]) -> dict[int, list[Span]]:
    """What is found where every hint is tried on every text."""
    found: dict[int, list[Span]] = {}
    for number, text in enumerate(texts):
        is_wide = not text.isascii()
        plain = folded(text) if is_wide and pl.Series([text]).str.contains(FOLDABLE)[0] else text
        places = [
            (rank, Span(*place, kind.name))
            for rank, kind in enumerate(kinds)
            if _hinted(plain, kind.hints) or (is_wide and _hinted(plain, kind.wide_hints))
            for place in kind.find(plain)
        ]
        if places:
            found[number] = without_overlaps(places)
    return found


def _hinted(text: str, hints: tuple[str | Hint, ...]) -> bool:
    column = pl.Series([text])
    return any(column.str.contains(hint if isinstance(hint, str) else hint.exact)[0] for hint in hints)


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_the_first_pass_over_a_column_loses_nothing(texts: list[str]) -> None:
    assert find(pl.Series(texts), ALL) == _plainly(texts, ALL)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_a_rough_hint_matches_wherever_the_exact_one_does(text: str) -> None:
    column = pl.Series([text])
    for kind in ALL:
        for hint in (*kind.hints, *kind.wide_hints):
            if isinstance(hint, Hint) and column.str.contains(hint.exact)[0]:
                assert column.str.contains(hint.rough)[0], hint.exact


def test_a_text_without_hints_is_not_opened() -> None:
    def refuse(text: str) -> Places:
        raise AssertionError(text)

    asked = [replace(kind, find=refuse) for kind in ALL]
    assert find(pl.Series(["a plain text", "普通的一句话"]), asked) == {}
