"""Telephone numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from oreline.data.pii.phones import landlines, mobiles, phones


@pytest.mark.parametrize(
    "text",
    [
        "客户⟦13812345678⟧已致电",
        "⟦138 1234 5678⟧，⟦138-1234-5678⟧",
        "打⟦+86 138 1234 5678⟧或⟦0086-13812345678⟧或⟦(+86)13812345678⟧或⟦8613812345678⟧",
        "12812345678和1381234567和138123456789",
        "13812345678.50元",
        "订单号：13812345678已签收",
        "a13812345678",
        "⟦138.1234.5678⟧，⟦1 3 8 1 2 3 4 5 6 7 8⟧啊，1 3 8 1 2 3 4 5 6 7 8 9",
        "⟦13812345678⟧,⟦13912345678⟧/⟦13712345678⟧",
    ],
)
def test_mobile_numbers(finds: Callable[..., bool], text: str) -> None:
    assert finds(mobiles, text)


@pytest.mark.parametrize(
    "text",
    [
        "座机⟦010-62345678⟧无人",
        "⟦(0755)26001234⟧和⟦（021）62345678⟧",
        "⟦0571 88889999⟧转",
        "⟦010-62345678-801⟧。",
        "电话：⟦62345678⟧，",
        "电话⟦01062345678⟧",
        "⟦+86 21 62345678⟧",
        "座机⟦(010)6234-5678⟧，⟦010-6234 5678⟧",
        "编号62345678",
        "010-12345678",
        "0001-62345678",
        "2010-62345678",
    ],
)
def test_landline_numbers(finds: Callable[..., bool], text: str) -> None:
    assert finds(landlines, text)


@pytest.mark.parametrize(
    "text",
    [
        "Call ⟦(415) 555-2671⟧ now",
        "at ⟦415-555-2671⟧.",
        "国外⟦+44 20 7946 0958⟧可以",
        "⟦+1 415 555 2671⟧ 20 people",
        "call me at ⟦020 7946 0958⟧",
        "Order 415-555-2671 is late",
        "000-555-2671 and 415-155-2671 and +999 1234567",
        "It made 123 456 7890 dollars",
    ],
)
def test_numbers_of_other_countries(finds: Callable[..., bool], text: str) -> None:
    assert finds(partial(phones, regions=("US", "GB")), text)


def test_a_region_has_to_be_asked_for(finds: Callable[..., bool]) -> None:
    assert finds(partial(phones, regions=()), "call 020 7946 0958 or (415) 555-2671")
