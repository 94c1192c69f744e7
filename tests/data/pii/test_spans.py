"""Folding, overlaps, and words that say a number is something else."""

from __future__ import annotations

import pytest

from oreline.data.pii.spans import Span, disowned, folded, without_overlaps


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
