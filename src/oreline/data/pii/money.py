"""Numbers of accounts: bank cards and IBAN."""

from __future__ import annotations

import re

from oreline.data.pii.checks import iban_length, is_iban, luhn
from oreline.data.pii.spans import DIGIT, NUMBER_AFTER, NUMBER_BEFORE, Places, begun, disowned

_CARD = re.compile(
    rf"{NUMBER_BEFORE}(?<![0-9A-Za-z][_-])(?:[0-9]{{12,19}}"
    rf"|[0-9]{{4}}([ -])[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{1,4}}(?:\1[0-9]{{1,4}})?"
    rf"|3[47][0-9]{{2}}([ -])[0-9]{{6}}\2[0-9]{{5}}|[0-9]{{6}}([ -])[0-9]{{10,13}}){NUMBER_AFTER}(?!-[0-9])"
)
_CUE = re.compile(r"卡|账[号户]|帐[号户]|card|visa|maestro|debit|credit", re.IGNORECASE)
_PREFIXES: tuple[tuple[str, range], ...] = (
    (r"62|60|81|8[48]|9558", range(16, 20)),  # UnionPay, and what Chinese banks gave out before it
    (r"4", range(16, 17)),
    (r"4", range(13, 14)),
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", range(16, 17)),
    (r"3[47]", range(15, 16)),
    (r"6011|64[4-9]|65|35(?:2[89]|[3-8])", range(16, 20)),
    (r"30[0-5]|36|3[89]", range(14, 17)),
    (r"5018|5020|5038|5893|6304|6759|676[1-3]", range(12, 20)),
)
"""What card numbers begin with, and how many digits they have then (ISO/IEC 7812, as the schemes publish them)."""
_BY_PREFIX = tuple((re.compile(prefix), lengths) for prefix, lengths in _PREFIXES)
_IBAN = re.compile(r"(?:(?<![0-9A-Za-z])|(?<=IBAN)|(?<=iban))[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]){11,30}")


def bank_cards(text: str) -> Places:
    """Yield numbers of bank cards: a known prefix, its length, Luhn's digit, and no words that say otherwise."""
    for match in begun(_CARD, DIGIT, text):
        number = re.sub("[ -]", "", match[0])
        if not luhn(number) or len(set(number)) < 2 or disowned(text, match.start()):
            continue
        # A short number is rarely a card any more: it has to be called one.
        # One of 18 digits with an area and a century may be an identity number that somebody mistyped.
        is_like_id = len(number) == 18 and number[6:8] in ("19", "20")
        is_named = _CUE.search(text, max(0, match.start() - 16), match.start()) is not None
        is_likely = (len(number) >= 15 and not is_like_id) or is_named
        if is_likely and any(len(number) in lengths and prefix.match(number) for prefix, lengths in _BY_PREFIX):
            yield match.span()


def ibans(text: str) -> Places:
    """Yield international bank account numbers, as long as their country has them."""
    for match in _IBAN.finditer(text):
        end = _end_of(match[0], iban_length(match[0][:2]))
        rest = text[match.start() + end : match.start() + end + 1]
        if end and not (rest.isascii() and rest.isalnum()) and is_iban(match[0][:end].replace(" ", "")):
            yield match.start(), match.start() + end


def _end_of(candidate: str, length: int) -> int:
    """Return where so many characters, spaces not counted, end; 0 where there are fewer."""
    count = 0
    for place, character in enumerate(candidate, start=1):
        count += character != " "
        if count == length:
            return place
    return 0
