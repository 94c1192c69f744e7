"""Telephone numbers: Chinese mobile and landline numbers by the numbering plan, others through phonenumbers.

Source of the plan: the Ministry of Industry and Information Technology's numbering plan, prefixes as of 2025.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from oreline.data.pii.spans import NUMBER_AFTER, NUMBER_BEFORE, Places, begun, disowned

_CHINA = r"(?:\((?:\+|00)86\)|(?:\+|00)?86)[ -]?"
_MOBILE = re.compile(
    rf"{NUMBER_BEFORE}(?<!\+)(?:{_CHINA})?1(?:3[0-9]|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|8[0-9]|9[0-35-9])"
    rf"(?:([ .-])[0-9]{{4}}\1[0-9]{{4}}|[0-9]{{8}}|([ -])[0-9]{{8}}"
    rf"|([ -])[0-9]{{3}}\3[0-9]{{5}}){NUMBER_AFTER}(?!-[0-9])(?!\s?[件元块次个台箱吨斤册份])"
    rf"|(?<![0-9A-Za-z])(?<![0-9][ .-])1 [3-9](?: [0-9]){{9}}(?![0-9A-Za-z]| [0-9])"
)
_LOCAL = r"[2-8](?:[0-9]{6,7}|[0-9]{2,3}[ -][0-9]{4})"
_AREA = r"(?:10|2[0-57-9]|3[1-9][0-9]|4[1-9][0-9]|5[1-9][0-9]|6[36][0-9]|7[0-9][0-9]|8[1-9][0-9]|9[0-9][0-9])"
_MORE = r"(?: ?(?:-|转|ext\.?|#) ?[0-9]{1,5}(?!号键|键))?"
_LANDLINE = re.compile(
    rf"{NUMBER_BEFORE}(?:(?:[(（]0{_AREA}[)）][ -]?|0{_AREA}-|{_CHINA}\(?0?{_AREA}\)?[ -]?){_LOCAL}"
    rf"|0{_AREA} [2-8][0-9]{{6,7}}){_MORE}{NUMBER_AFTER}"
)
_LANDLINE_CUE = re.compile(
    rf"(?:电话|座机|固话|传真|总机|前台|热线|[Tt][Ee][Ll]|[Ff][Aa][Xx])(?:号码?)?(?:[:：.]|是|为)?\s*"
    rf"((?:0{_AREA})?{_LOCAL}{_MORE}){NUMBER_AFTER}"
)
_SEPARATED = r"(?:[ .\-]|\(|\) ?|[ -]\()?"
_ABROAD = re.compile(rf"{NUMBER_BEFORE}(?:\+|00)[1-9](?:{_SEPARATED}[0-9]){{6,13}}{NUMBER_AFTER}")
_AMERICAN = re.compile(
    rf"{NUMBER_BEFORE}(?<!\+)(?<!\+1[ .-])(?:1[ .-])?(?:\([2-9][0-9]{{2}}\) ?|[2-9][0-9]{{2}}[-. ])"
    rf"[2-9][0-9]{{2}}[-. ][0-9]{{4}}(?: ?(?:x|ext\.?) ?[0-9]{{1,5}})?{NUMBER_AFTER}(?!-[0-9])"
)
_CALLED = re.compile(
    rf"(?:phone|tel|telephone|mobile|cell|call|fax|whatsapp|ring|dial|text|home|landline)"
    rf"(?: number| no\.?)?(?: is| me| us)?(?: at| on)?[:.]? ?"
    rf"(\(?0?[0-9](?:{_SEPARATED}[0-9]){{7,12}}){NUMBER_AFTER}",
    re.IGNORECASE,
)
_START = re.compile("[0-9+(（]")
_LANDLINE_WORDS = re.compile("[电座固传总前热TtFf][话机真台线EeAa]")
_CALLING = re.compile("phone|tel|mobile|c[ea]ll|fax|whatsapp|ring|dial|text|home|landline")
"""What the patterns begin with, to be found fast."""


def mobiles(text: str) -> Places:
    """Yield Chinese mobile numbers, with the country's code or without, in one piece or in groups."""
    return (match.span() for match in begun(_MOBILE, _START, text) if not disowned(text, match.start()))


def landlines(text: str) -> Places:
    """Yield Chinese landline numbers: with an area code, or named as such."""
    for match in begun(_LANDLINE, _START, text):
        if not disowned(text, match.start()):
            yield match.span()
    yield from (match.span(1) for match in begun(_LANDLINE_CUE, _LANDLINE_WORDS, text))


def phones(text: str, regions: Sequence[str]) -> Places:
    """Yield numbers of other countries: with the country's code, in the American form, or named and of a region."""
    for match in begun(_ABROAD, _START, text):
        if length := _valid_length(match[0], None):
            yield match.start(), match.start() + length
    if "US" in regions:
        for match in begun(_AMERICAN, _START, text):
            if not disowned(text, match.start()) and _is_valid(match[0], "US"):
                yield match.span()
    for match in begun(_CALLED, _CALLING, text, any_case=True):
        if any(_is_valid(match[1], region) for region in regions):
            yield match.span(1)


def _valid_length(candidate: str, region: str | None) -> int:
    """Return how many characters of a candidate are a valid number; groups at its end may be something else."""
    while len(candidate) > 7:
        if _is_valid(candidate, region):
            return len(candidate)
        shorter = re.sub(r"[ .\-()]+[0-9]+$", "", candidate)
        if shorter == candidate:
            return 0
        candidate = shorter
    return 0


@functools.lru_cache(maxsize=4096)
def _is_valid(candidate: str, region: str | None) -> bool:
    import phonenumbers

    number = f"+{candidate[2:]}" if region is None and candidate.startswith("00") else candidate
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(number, region)))
    except phonenumbers.NumberParseException:
        return False
