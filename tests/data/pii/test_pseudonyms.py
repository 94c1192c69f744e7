"""Pseudonyms: of the value's form, nobody's, the same for the same value."""

from __future__ import annotations

import random

import polars as pl
import pytest

from oreline.data.pii.keyed import Key
from oreline.data.pii.kinds import KIND_NAMES, kinds_of
from oreline.data.pii.pseudonyms import _MAKE, Draw, pseudonym, said
from oreline.data.pii.scan import find

KEY = Key(b"k" * 32)
VALUES = {
    "id_number": ["11010519491231002X", "110105491231002", "110105 19491231 002X"],
    "mobile": ["13812345678", "+86 138-1234-5678", "008613812345678"],
    "landline": ["010-62345678", "（021）62345678", "+86 21 62345678"],
    "phone": ["(415) 555-2671", "+44 20 7946 0958", "+1-415-555-2671"],
    "bank_card": ["6222021234567890128", "4111 1111 1111 1111", "3782-822463-10005"],
    "credit_code": ["91350100M000100Y43"],
    "iban": ["GB29 NWBK 6016 1331 9268 19"],
    "ssn": ["219-09-8765"],
    "passport": ["E12345678", "123456789"],
    "plate": ["粤B·D12345", "京A1234警"],
    "qq": ["123456"],
    "wechat": ["zhang_san88"],
    "ip": ["52.14.33.9", "2001:4860:4860::8888"],
    "mac": ["3c:22:fb:4a:1d:9e", "3c22.fb4a.1d9e"],
}


@pytest.mark.parametrize("kind", VALUES)
def test_nobody_has_a_pseudonym(kind: str) -> None:
    """Of 40 keys none makes anything that the kind's own finder takes for real, with every word that would name it."""
    cue = {"passport": "护照", "qq": "QQ：", "wechat": "微信："}.get(kind, "")
    made = [pseudonym(kind, value, Key(bytes([n]) * 32), is_chinese=True) for n in range(40) for value in VALUES[kind]]
    strict = [] if kind == "passport" else list(find(pl.Series([f"好{cue}{one}的" for one in made]), kinds_of([kind])))
    assert strict == []
    assert len(set(made)) > 30


@pytest.mark.parametrize(
    "kind", ["id_number", "mobile", "landline", "phone", "bank_card", "ssn", "mac", "plate", "iban", "passport"]
)
def test_the_form_stays(kind: str) -> None:
    for value in VALUES[kind]:
        made = pseudonym(kind, value, KEY, is_chinese=True)
        assert len(made) == len(value)
        assert [c for c in made if not c.isalnum()] == [c for c in value if not c.isalnum()] or not value.isascii()


def test_ways_to_write_a_value_are_one_value() -> None:
    assert len({pseudonym("mobile", value, KEY, is_chinese=True)[-4:] for value in VALUES["mobile"]}) == 1
    assert pseudonym("email", "Ann@Example.com", KEY, is_chinese=False) == pseudonym(
        "email", "ann@example.com", KEY, is_chinese=True
    )
    assert said("landline", "（021）62345678") == said("landline", "+86 21 62345678")


def test_every_kind_has_a_maker() -> None:
    assert set(_MAKE) == set(KIND_NAMES)
    for kind in KIND_NAMES:
        assert pseudonym(kind, "张三1990年1月2日", KEY, is_chinese=True)


def test_a_birthday_becomes_a_day_long_ago() -> None:
    assert pseudonym("date_of_birth", "1990年1月2日", KEY, is_chinese=True).startswith("18")


def test_a_draw_uses_its_whole_digest() -> None:
    draw = Draw(random.Random(0).randbytes(32))
    assert draw.digits(0) == ""
    assert len(draw.digits(20)) == 20
    assert len(draw.hex(6)) == 6
