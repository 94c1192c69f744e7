"""Check digits against libraries and published examples."""

from __future__ import annotations

import random

import pytest

from oreline.data.pii.checks import (
    credit_check,
    iban_length,
    id_check,
    is_credit_code,
    is_date,
    is_iban,
    is_id,
    is_ssn,
    luhn,
)


@pytest.mark.parametrize("number", ["4111111111111111", "378282246310005", "6011111111111117", "5555555555554444"])
def test_luhn_takes_the_schemes_own_test_numbers_and_no_other_last_digit(number: str) -> None:
    assert [luhn(number[:-1] + digit) for digit in "0123456789"].count(True) == 1
    assert luhn(number)


def test_one_character_of_eleven_ends_an_identity_number() -> None:
    body = "11010519491231002"
    assert [character for character in "0123456789X" if is_id(body + character)] == [id_check(body)]


@pytest.mark.parametrize(
    "number", ["110105194902300029", "990105194912310022", "110100194912310000", "110105187912310021"]
)
def test_an_identity_number_needs_an_area_and_a_day(number: str) -> None:
    assert not is_id(number[:17] + id_check(number[:17]))


def test_days() -> None:
    assert is_date("20000229")
    assert not is_date("19000229")
    assert not is_date("20501231")


def test_credit_codes_have_two_checks() -> None:
    rng = random.Random(0)
    codes = ["91350100M000100Y4" + c for c in "0123456789ABCDEFGHJKLMNPQRTUWXY"]
    assert [code for code in codes if is_credit_code(code)] == ["91350100M000100Y43"]
    wrong = "91350100M000100Z"  # the organisation's own check digit
    assert not any(is_credit_code(f"{wrong}4{rng.choice('0123')}") for _ in range(4))
    assert credit_check("91350100M000100Y4") == "3"


@pytest.mark.parametrize("number", ["DE89370400440532013000", "FR1420041010050500013M02606", "NL91ABNA0417164300"])
def test_ibans_of_the_registry(number: str) -> None:
    assert is_iban(number)
    assert not is_iban(number[:-1] + ("1" if number[-1] != "1" else "2"))
    assert iban_length(number[:2]) == len(number)


def test_social_security_numbers_that_were_never_given_out() -> None:
    assert is_ssn("123456789")
    assert not any(map(is_ssn, ["000456789", "666456789", "900456789", "123006789", "123450000", "078051120"]))
