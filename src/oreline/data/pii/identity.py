"""Numbers that a state gives: identity numbers, credit codes, passports, plates, Social Security numbers."""

from __future__ import annotations

import re

from oreline.data.pii.checks import is_credit_code, is_id, is_ssn, luhn
from oreline.data.pii.spans import AFTER, BEFORE, DIGIT, NUMBER_AFTER, NUMBER_BEFORE, Places, begun, disowned

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_ID = re.compile(
    rf"{NUMBER_BEFORE}(?:[1-9][0-9]{{5}}([ -]?)(?:18|19|20)[0-9]{{2}}{_DAY}\1[0-9]{{3}}[0-9Xx]"
    rf"|[1-8][0-9]{{7}}{_DAY}[0-9]{{3}}){NUMBER_AFTER}"
)
_ID_CUE = re.compile(r"身份|证件?号|公民|ID", re.IGNORECASE)
_CREDIT = re.compile(rf"{BEFORE}[1-9ANY][1-9][0-9]{{6}}[0-9A-HJ-NP-RTUWXY]{{10}}{AFTER}", re.IGNORECASE)
_PASSPORT = re.compile(
    rf"(?:护照|通行证|台胞证|passport|travel document)(?:[^0-9A-Za-z\n。！？]|number|no\.?|is|id|#){{0,16}}"
    rf"{BEFORE}([A-Z]{{0,2}}[0-9]{{7,9}}|[A-Z](?=[0-9A-Z]*[0-9])[0-9A-Z]{{7,8}}){AFTER}",
    re.IGNORECASE,
)
_PASSPORT_BEFORE = re.compile(rf"{BEFORE}([A-Z]{{1,2}}[0-9]{{7,8}})(?=号?(?:护照|通行证))")
"""`持E12345678号护照`."""
_PLATE = re.compile(
    rf"(?:[{PROVINCES}][A-HJ-NP-Z][·•・. -]?"
    r"(?:[A-K][0-9A-HJ-NP-Z][0-9]{4}|[0-9]{5}[A-K]|(?=[0-9A-Z]*[0-9][A-Z]*[0-9])[0-9A-HJ-NP-Z]{5}"
    r"|[0-9A-HJ-NP-Z]{4}[挂学警港澳])"
    rf"|使[0-9]{{6}}){AFTER}"
)
_SSN = re.compile(
    rf"{NUMBER_BEFORE}(?:([0-9]{{3}})-([0-9]{{2}})-([0-9]{{4}})(?![0-9A-Za-z-])"
    rf"|(?<![0-9] )([0-9]{{3}}) ([0-9]{{2}}) ([0-9]{{4}})(?![0-9A-Za-z]| [0-9]))"
)
_SSN_CUE = re.compile(
    rf"(?:ssn|social security|社保号|社会安全|社会保障)[^0-9\n]{{0,16}}{NUMBER_BEFORE}([0-9]{{9}}){NUMBER_AFTER}",
    re.IGNORECASE,
)
_SSN_WORDS = re.compile("s(?:sn|ocial security)|社[保会]")


def id_numbers(text: str) -> Places:
    """Yield Chinese identity numbers of 18 digits, and of 15 where nothing says that they are something else."""
    for match in begun(_ID, DIGIT, text):
        number = re.sub("[ -]", "", match[0])
        if not is_id(number):
            continue
        if len(number) == 15:
            named = _ID_CUE.search(text, max(0, match.start() - 12), match.start()) is not None
            is_card = number[:2] in ("34", "37") and luhn(number)
            is_rare = 34 < int(number[2:4]) < 90
            if not named and (is_card or is_rare or disowned(text, match.start())):
                continue
        yield match.span()


def credit_codes(text: str) -> Places:
    """Yield unified social credit codes."""
    for match in _CREDIT.finditer(text):
        code = match[0].upper()
        # A mistyped identity number keeps to both checks once in 341 times.
        if is_credit_code(code) and not (code.isdigit() and code[6:8] in ("19", "20")):
            yield match.span()


def passports(text: str) -> Places:
    """Yield passports and travel permits that are named as such."""
    yield from (match.span(1) for match in _PASSPORT.finditer(text) if sum(map(str.isdigit, match[1])) >= 4)
    yield from (match.span(1) for match in _PASSPORT_BEFORE.finditer(text))


def plates(text: str) -> Places:
    """Yield number plates of vehicles, those of six characters for new energy too."""
    return (match.span() for match in _PLATE.finditer(text))


def ssns(text: str) -> Places:
    """Yield Social Security numbers: in three groups, or named as such."""
    for match in begun(_SSN, DIGIT, text):
        if is_ssn("".join(filter(None, match.groups()))) and not disowned(text, match.start()):
            yield match.span()
    for match in begun(_SSN_CUE, _SSN_WORDS, text, any_case=True):
        if is_ssn(match[1]):
            yield match.span(1)
