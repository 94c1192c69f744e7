"""Folding, overlaps, and words that say a number is something else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.pii.pieces import PIECES

from oreline.data.pii import accounts, credentials, identity, money, people, phones, places
from oreline.data.pii.spans import DIGIT, Span, begun, disowned, folded, without_overlaps

CUES = [
    (accounts._WECHAT, accounts._SERVICE), (accounts._WECHAT_GLUED, accounts._GLUED), (accounts._QQ, accounts._CALLED_QQ),
    (accounts._BARE_QQ, accounts._Q), (accounts._QQ_AFTER, DIGIT), (credentials._FORMS, credentials._FORM_CUE),
    (identity._ID, DIGIT), (identity._SSN, DIGIT), (money._CARD, DIGIT), (people._ANNOUNCED, people._ANNOUNCING),
    (people._NAMED_BY, people._NAMING_CUE), (people._BEING_ONE, people._BEING_CUE), (people._GREETED, people._GREETING),
    (people._CALLED, people._CALLING), (phones._MOBILE, phones._START), (phones._LANDLINE, phones._START),
    (phones._LANDLINE_CUE, phones._LANDLINE_WORDS), (phones._ABROAD, phones._START), (phones._AMERICAN, phones._START),
    (places._ENGLISH_CUED, places._ANNOUNCING),
]  # fmt: skip
CUES_IN_ANY_CASE = [
    (credentials._NAMED, credentials._NAMED_CUE),
    (identity._SSN_CUE, identity._SSN_WORDS),
    (phones._CALLED, phones._CALLING),
]


def test_folding_keeps_places() -> None:
    text = "電話：１３８—１２３４　５６７８＠ＡＢＣ．ｃｏｍ"
    assert len(folded(text)) == len(text)
    assert folded(text).endswith("138-1234 5678@ABC.com")


@pytest.mark.parametrize(
    "before", ["订单号：", "运单", "流水号是", "Order no. ", "tracking number: ", "发票号码", "ISBN "]
)
def test_orders_and_the_like_are_no_private_numbers(before: str) -> None:
    assert disowned(before, len(before))


@pytest.mark.parametrize("before", ["手机号：", "订单已发货，请打", "my order is late, call ", ""])
def test_other_words_do_not_count(before: str) -> None:
    assert not disowned(before, len(before))


def test_the_longer_of_two_of_one_kind_is_taken() -> None:
    spans = [(0, Span(0, 4, "qq")), (0, Span(0, 9, "qq")), (1, Span(9, 12, "mac"))]
    assert without_overlaps(spans) == [Span(0, 9, "qq"), Span(9, 12, "mac")]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join))
def test_patterns_with_cues_find_what_they_find_alone(text: str) -> None:
    for any_case, pairs in ((False, CUES), (True, CUES_IN_ANY_CASE)):
        for pattern, cue in pairs:
            found = [match.span() for match in begun(pattern, cue, text, any_case=any_case)]
            assert found == [match.span() for match in pattern.finditer(text)], pattern.pattern
    if places._FULL.search(text) or places._BY_POSTCODE.search(text) or places._ENGLISH_CUED.search(text):
        assert places._NUMBERED.search(text) or "Box " in text
    if people._NAMED_BY.search(text):
        assert any(words in text for words in people._NAMING)
    fields = [match.span() for match in people._FIELD.finditer(text) if _is_field(match, text)]
    assert [match.span() for match in people._fields(text)] == fields


def _is_field(match: re.Match[str], text: str) -> bool:
    is_cut = " " not in match[1] and re.match(" [a-z]", text[match.end() : match.end() + 2])
    return not is_cut and people._FIELD_CUE.search(text, max(0, match.start() - 16), match.start()) is not None


def test_letters_that_become_two_move_no_place() -> None:
    pattern, cue = re.compile("key: ([a-z]+)", re.IGNORECASE), re.compile("key")
    assert [match[1] for match in begun(pattern, cue, "Straße KEY: abc", any_case=True)] == ["abc"]
