"""What the digits of numbers must keep to: check digits, dates, ranges that were never given out.

Sources: ISO/IEC 7812-1 (Luhn), GB 11643 with ISO 7064 MOD 11-2 (identity numbers), GB 32100 and GB 11714 (credit
codes), ISO 13616 with ISO 7064 MOD 97-10 (IBAN), the Social Security Administration's rules.
"""

from __future__ import annotations

import datetime

_ORDER = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_FIRST_YEAR, _LAST_YEAR = 1880, 2049
_AREAS = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83"
_PROVINCES = frozenset(_AREAS.split())
"""The first two digits of areas (GB/T 2260), with those of Hong Kong, Macau and Taiwan."""
_REGISTRY = (
    "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DK:18 "
    "DO:28 EE:20 EG:29 ES:24 FI:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 "
    "IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 "
    "MN:20 MR:27 MT:31 MU:30 NI:28 NL:18 NO:15 OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24 "
    "SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 SO:23 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20"
)
_LENGTHS = dict(entry.split(":") for entry in _REGISTRY.split())
"""Characters of an account number, by country (the registry of ISO 13616)."""


def luhn(number: str) -> bool:
    """Whether the last digit is the check digit of those before it.

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    odd = sum(int(digit) for digit in number[-1::-2])
    even = sum((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)[int(digit)] for digit in number[-2::-2])
    return (odd + even) % 10 == 0


def id_check(body: str) -> str:
    """Return the last character of an identity number, from the 17 digits before it.

    >>> id_check("11010519491231002")
    'X'
    """
    return "10X98765432"[sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(body)) % 11]


def is_id(number: str) -> bool:
    """Whether 18 or 15 characters are a Chinese identity number: area, date of birth and, of 18, the check digit.

    A number that begins with 9 is a foreigner's; its area has the province in the second and third place.

    >>> is_id("11010519491231002X"), is_id("110105194912310021"), is_id("110105491231002")
    (True, False, True)
    """
    province = number[1:3] if number[0] == "9" else number[:2]
    if province not in _PROVINCES or (number[0] != "9" and number[4:6] == "00"):
        return False
    if len(number) == 15:
        return is_date(f"19{number[6:12]}")
    return is_date(number[6:14]) and id_check(number[:17]) == number[17].upper()


def is_date(digits: str) -> bool:
    """Whether eight digits are a day on which somebody alive, or lately alive, may have been born.

    >>> is_date("20000229"), is_date("20010229")
    (True, False)
    """
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return _FIRST_YEAR <= year <= _LAST_YEAR


def credit_check(body: str) -> str:
    """Return the last character of a unified social credit code, from the 17 before it.

    >>> credit_check("91350100M000100Y4")
    '3'
    """
    return _CREDIT[-sum(_CREDIT.index(character) * pow(3, place, 31) for place, character in enumerate(body)) % 31]


def is_credit_code(code: str) -> bool:
    """Whether 18 characters are a unified social credit code: its own check and that of the organisation within.

    >>> is_credit_code("91350100M000100Y43"), is_credit_code("91350100M000100Y44")
    (True, False)
    """
    if any(character not in _CREDIT for character in code) or credit_check(code[:17]) != code[17]:
        return False
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(_ORDER.index(character) * weight for character, weight in zip(code[8:16], weights))
    return code[16] == "0123456789X0"[11 - total % 11]


def iban_length(country: str) -> int:
    """Return how many characters account numbers of a country have; 0 where it has none.

    >>> iban_length("DE"), iban_length("ZZ")
    (22, 0)
    """
    return int(_LENGTHS.get(country, 0))


def is_iban(number: str) -> bool:
    """Whether an account number, without spaces, has its country's length and the right check digits.

    >>> is_iban("GB29NWBK60161331926819"), is_iban("GB28NWBK60161331926819")
    (True, False)
    """
    if len(number) != iban_length(number[:2]) or not 2 <= int(number[2:4]) <= 98:
        return False
    return int("".join(str(int(character, 36)) for character in number[4:] + number[:4])) % 97 == 1


def is_ssn(digits: str) -> bool:
    """Whether nine digits may be somebody's Social Security number: no area 000, 666 or from 900, no group 00, no 0000.

    >>> is_ssn("219098765"), is_ssn("666098765"), is_ssn("219000000")
    (True, False, False)
    """
    if digits[:3] in ("000", "666") or digits[0] == "9" or digits[3:5] == "00" or digits[5:] == "0000":
        return False
    return digits not in ("078051120", "219099999")  # printed on cards in wallets, and in a leaflet
