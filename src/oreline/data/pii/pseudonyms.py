"""What stands for a value, always the same for the same one, in its form, and nobody's.

Each has something that no real value has: a province, an area or a first digit that is not given out, a wrong check
digit, a domain or network reserved for examples (RFC 2606, 3849), the class E of IPv4, a hardware address that no
device may have. A value is what it says, not how it is written: `138-1234-5678` and `+86 13812345678` are one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from oreline.data.pii.checks import credit_check, luhn
from oreline.data.pii.keyed import Key
from oreline.data.pii.spans import folded

_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_CHINA = re.compile(r"^\(?(?:\+|00)?86\)?[ -]?(?=.{9})")


class Draw:
    """Numbers that follow from a digest, one after the other."""

    def __init__(self, digest: bytes) -> None:
        self._rest = int.from_bytes(digest, "big")

    def below(self, bound: int) -> int:
        """Return a number from 0 to below a bound."""
        self._rest, number = divmod(self._rest, bound)
        return number

    def digits(self, count: int) -> str:
        """Return so many digits."""
        return f"{self.below(10**count):0{count}d}" if count > 0 else ""

    def hex(self, count: int) -> str:
        """Return so many hexadecimal digits."""
        return f"{self.below(16**count):0{count}x}"

    def among(self, characters: str, count: int = 1) -> str:
        """Return so many characters of those given."""
        return "".join(characters[self.below(len(characters))] for _ in range(count))


def said(kind: str, value: str) -> str:
    """Return a value as it is told apart from others: without what differs between ways to write it.

    >>> said("mobile", "+86 138-1234-5678"), said("email", "Ann@Example.com")
    ('13812345678', 'ann@example.com')
    """
    plain = folded(value)
    if kind in ("mobile", "landline"):
        bare = re.sub("[^0-9]", "", _CHINA.sub("", plain))
        return bare.removeprefix("0") if kind == "landline" else bare
    if kind in ("id_number", "bank_card", "credit_code", "iban", "ssn", "passport", "plate", "phone", "mac"):
        return re.sub("[^0-9A-Za-z\u4e00-\u9fff]", "", plain).upper()
    if kind in ("email", "ip", "wechat"):
        return plain.lower()
    return " ".join(plain.split())


def pseudonym(kind: str, value: str, key: Key, *, is_chinese: bool) -> str:
    """Return what stands for a value of a kind, in its form.

    >>> pseudonym("mobile", "138-1234-5678", Key(b"k" * 32), is_chinese=True)
    '122-7084-2156'
    """
    draw = Draw(key.digest(kind, said(kind, value)))
    return _MAKE[kind](folded(value), draw, is_chinese)


def _same_form(value: str, digits: str) -> str:
    """Put digits in the place of a value's last ones; what stands between them stays."""
    rest = list(digits)
    written = [rest.pop() if character.isdigit() and rest else character for character in reversed(value)]
    return "".join(reversed(written))


@dataclass(frozen=True, slots=True)
class Numbered:
    """Makes numbers as long as the value's that begin as none is given out."""

    first: str

    def __call__(self, value: str, draw: Draw, _: bool) -> str:
        """Return another number in a value's form."""
        return _same_form(value, self.first + draw.digits(sum(map(str.isdigit, value)) - len(self.first)))


def _id_number(value: str, draw: Draw, _: bool) -> str:
    written = value[:-1] + "0" if value[-1] in "xX" else value
    return _same_form(written, "00" + draw.digits(sum(map(str.isdigit, written)) - 2))


def _mobile(value: str, draw: Draw, _: bool) -> str:
    return _same_form(value, "12" + draw.digits(9))


def _landline(value: str, draw: Draw, _: bool) -> str:
    country = _CHINA.match(value)
    prefix = country[0] if country else ""
    return prefix + Numbered("00")(value[len(prefix) :], draw, True)


def _phone(value: str, draw: Draw, _: bool) -> str:
    country = re.match(r"\+(?:1|7|[2-9][0-9])[ .-]?", value)
    prefix = country[0] if country else ""
    return prefix + Numbered("000")(value[len(prefix) :], draw, True)


def _bank_card(value: str, draw: Draw, _: bool) -> str:
    body = "00" + draw.digits(sum(map(str.isdigit, value)) - 3)
    check = next(int(digit) for digit in "0123456789" if luhn(body + digit))
    return _same_form(value, body + str((check + 1 + draw.below(9)) % 10))


def _credit_code(value: str, draw: Draw, _: bool) -> str:
    body = "00" + draw.digits(6) + draw.among(_CREDIT, 9)
    right = _CREDIT.index(credit_check(body))
    return body + _CREDIT[(right + 1 + draw.below(30)) % 31]


def _iban(value: str, draw: Draw, _: bool) -> str:
    made = "".join(
        draw.digits(1) if character.isdigit() else draw.among(_LETTERS) if character.isalpha() else character
        for character in value[4:]
    )
    return f"{value[:2]}00{made}"


def _passport(value: str, draw: Draw, _: bool) -> str:
    return Numbered("00")(re.sub("[A-Za-z]", "X", value), draw, True)


def _plate(value: str, draw: Draw, _: bool) -> str:
    made = [
        draw.digits(1) if c.isdigit() else draw.among(_LETTERS) if c.isascii() and c.isalpha() else c for c in value[1:]
    ]
    return "测" + "".join(made)


def _ip(value: str, draw: Draw, _: bool) -> str:
    if ":" in value:
        return "2001:db8:" + ":".join(f"{draw.below(65536):x}" for _ in range(6))
    return "240." + ".".join(str(draw.below(256)) for _ in range(3))


def _mac(value: str, draw: Draw, _: bool) -> str:
    digits = list("03" + draw.hex(10))  # local, and a group's: no device has it
    return "".join(digits.pop(0) if character.isalnum() else character for character in value)


def _birth(value: str, draw: Draw, _: bool) -> str:
    """Another day of the nineteenth century."""

    def moved(match: re.Match[str]) -> str:
        if len(match[0]) == 8:
            return f"18{draw.digits(2)}{1 + draw.below(12):02d}{1 + draw.below(28):02d}"
        return f"18{draw.digits(2)}" if len(match[0]) == 4 else f"{1 + draw.below(12):0{len(match[0])}d}"

    return re.sub("[0-9]+", moved, value)


def _name(value: str, draw: Draw, is_chinese: bool) -> str:
    if not is_chinese or value.isascii():
        return f"Person {draw.hex(6).upper()}"
    return "某" + "".join(draw.among(_STEMS) + draw.among(_BRANCHES) for _ in range(3))


def _address(value: str, draw: Draw, is_chinese: bool) -> str:
    number = draw.digits(6)
    return f"某省某市某区某路{number}号" if is_chinese and not value.isascii() else f"{number} Example Street"


def _organisation(value: str, draw: Draw, is_chinese: bool) -> str:
    if not is_chinese or value.isascii():
        return f"Company {draw.hex(6).upper()}"
    return "某" + "".join(draw.among(_STEMS) + draw.among(_BRANCHES) for _ in range(3)) + "公司"


_MAKE: dict[str, Callable[[str, Draw, bool], str]] = {
    "url": lambda _, draw, __: f"https://example.com/{draw.hex(16)}",
    "email": lambda _, draw, __: f"user-{draw.hex(12)}@example.com",
    "secret": lambda _, draw, __: f"secret-{draw.hex(24)}",
    "id_number": _id_number,
    "credit_code": _credit_code,
    "iban": _iban,
    "mobile": _mobile,
    "bank_card": _bank_card,
    "landline": _landline,
    "phone": _phone,
    "ssn": Numbered("000"),
    "passport": _passport,
    "plate": _plate,
    "qq": Numbered("0"),
    "wechat": lambda _, draw, __: f"_wx{draw.hex(12)}",
    "ip": _ip,
    "mac": _mac,
    "date_of_birth": _birth,
    "name": _name,
    "address": _address,
    "organisation": _organisation,
}
