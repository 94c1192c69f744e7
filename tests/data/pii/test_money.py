"""Numbers of accounts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oreline.data.pii.money import bank_cards, ibans


@pytest.mark.parametrize(
    "text",
    [
        "打款到⟦6222021234567890128⟧谢谢",
        "卡⟦4111 1111 1111 1111⟧、⟦3782-822463-10005⟧，⟦378282246310005⟧",
        "4111111111111112",
        "14111111111111111",
        "0000000000000000",
        "订单号4111111111111111",
        "9111111111111111",
        "card ⟦501800000009⟧, but the number 501800000009",
        "360102195713324658 and 620102195713324655，卡号⟦620102195713324655⟧",
        "123e4567-e89b-12d3-a456-501800000009",
    ],
)
def test_bank_cards(finds: Callable[..., bool], text: str) -> None:
    assert finds(bank_cards, text)


@pytest.mark.parametrize(
    "text",
    [
        "账户⟦GB29 NWBK 6016 1331 9268 19⟧收款",
        "⟦DE89370400440532013000⟧。",
        "to ⟦DE89 3704 0044 0532 0130 00⟧ BY FRIDAY",
        "汇至IBAN⟦DE89370400440532013000⟧，附言",
        "DE88370400440532013000",
        "ZZ89370400440532013000",
        "DE893704004405320130001",
    ],
)
def test_ibans(finds: Callable[..., bool], text: str) -> None:
    assert finds(ibans, text)
