"""Numbers that a state gives."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oreline.data.pii.identity import credit_codes, id_numbers, passports, plates, ssns


@pytest.mark.parametrize(
    "text",
    [
        "身份证⟦11010519491231002X⟧已核验",
        "小写⟦11010519491231002x⟧。",
        "分段⟦110105 19491231 002X⟧写",
        "老证⟦110105491231002⟧号",
        "错一位110105194912310021不算",
        "多一位111010519491231002X不算",
        "A11010519491231002X",
        "3.110105491231002",
        "订单号110105491231002不是",
    ],
)
def test_identity_numbers(finds: Callable[..., bool], text: str) -> None:
    assert finds(id_numbers, text)


@pytest.mark.parametrize(
    "text",
    [
        "代码⟦91350100M000100Y43⟧的企业",
        "91350100M000100Y44",
        "X91350100M000100Y43",
        "210102200006217470",
        "410102200802303582",
    ],
)
def test_credit_codes(finds: Callable[..., bool], text: str) -> None:
    assert finds(credit_codes, text)


@pytest.mark.parametrize(
    "text",
    [
        "护照号码：⟦E12345678⟧，有效",
        "护照⟦EA1234567⟧过期",
        "港澳通行证⟦C12345678⟧",
        "Passport number is ⟦123456789⟧.",
        "passport: ⟦C01X00T47⟧",
        "Passport No: ⟦L898902C3⟧",
        "型号E12345678缺货",
        "His passport was renewed in 2019 for 12345678901234 yen",
    ],
)
def test_passports_are_named(finds: Callable[..., bool], text: str) -> None:
    assert finds(passports, text)


@pytest.mark.parametrize(
    "text",
    [
        "车牌⟦京A12345⟧违停",
        "⟦粤B·D12345⟧这辆",
        "大车⟦沪A12345D⟧。",
        "⟦京A1234警⟧开道",
        "大B69592",
        "京A123456789",
        "京ABCDEF",
        "车⟦苏E0A1B2⟧",
    ],
)
def test_plates(finds: Callable[..., bool], text: str) -> None:
    assert finds(plates, text)


@pytest.mark.parametrize(
    "text",
    [
        "社保号⟦219-09-8765⟧已登记",
        "paid ⟦219 09 8765⟧ late",
        "SSN: ⟦219098765⟧",
        "666-09-8765",
        "12 219 09 8765",
        "2219-09-8765",
        "219-09-87651",
        "219098765",
    ],
)
def test_social_security_numbers(finds: Callable[..., bool], text: str) -> None:
    assert finds(ssns, text)
