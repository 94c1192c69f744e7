"""What people write their names for: accounts at WeChat and QQ, and dates of birth; all of them named by a word."""

from __future__ import annotations

import re

from oreline.data.pii.spans import AFTER, Places

_GLUE = (
    r"(?:(?:联系|账号|帐号|号码?|[Ii][Dd]|[Nn]umber|[Nn]o\.?|同号|搜索?|用户名|昵称|找|是|为|加|我"
    r"|is|me|on|at|as|my|user|I am|I'm|[:：=+|]|[ \t])){0,8}"
)
_WECHAT = re.compile(
    r"(?:微\s?信|薇信|威信|徽信|[vV]信|[wW]e[cC]hat|WECHAT|(?<![0-9A-Za-z])[vV][xX]|(?<![0-9A-Za-z])[wW][xX]"
    r"|(?:加|我的)\s?[vVwW])"
    rf"({_GLUE})(?<![0-9A-Za-z])([A-Za-z][-_0-9A-Za-z]{{5,19}}){AFTER}"
)
_STRONG = re.compile(r"[:：=号]|[Ii][Dd]")
_QQ = re.compile(
    rf"(?:(?<![0-9A-Za-z])[Qq]\s?[Qq]|扣扣|企鹅号?)群?({_GLUE})(?:(?<=[Qq])"
    rf"|(?<![0-9A-Za-z]))([1-9][0-9]{{4,10}}){AFTER}(?![.][0-9])"
)
_YEAR, _MONTH, _DAY = r"(?:18|19|20)[0-9]{2}", r"(?:1[0-2]|0?[1-9])", r"(?:3[01]|[12][0-9]|0?[1-9])"
_BIRTH = re.compile(
    r"(?:出生(?:日期|年月日?|于)?|生日|生于|[Dd]ate of [Bb]irth|DOB|[Bb]orn(?: on)?|[Bb]irth\s?day)(?:\s|[:：=]|是|为"
    r"|is|was){0,4}"
    rf"({_YEAR}\s?[-/.年]\s?{_MONTH}\s?[-/.月]\s?{_DAY}日?|{_DAY}[-/. ]{_MONTH}[-/. ]{_YEAR}"
    rf"|{_MONTH}[-/.]{_DAY}[-/.]{_YEAR}"
    rf"|[A-Z][a-z]{{2,8}} {_DAY}(?:st|nd|rd|th)?,? {_YEAR}|{_DAY}(?:st|nd|rd|th)? [A-Z][a-z]{{2,8}} {_YEAR}|(?:19"
    rf"|20)[0-9]{{6}}){AFTER}"
)


def wechats(text: str) -> Places:
    """Yield WeChat accounts that are named as such; one in letters alone, like a word, only after a colon or `号`."""
    for match in _WECHAT.finditer(text):
        if _STRONG.search(match[1]) or re.search("[0-9_]", match[2]):
            yield match.span(2)


def qqs(text: str) -> Places:
    """Yield QQ numbers that are named as such."""
    return (match.span(2) for match in _QQ.finditer(text))


def births(text: str) -> Places:
    """Yield dates of birth that are named as such."""
    return (match.span(1) for match in _BIRTH.finditer(text))
