"""Chinese names by what stands beside them: a number of the same person, a role, the end of a letter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from oreline.data.pii.spans import Places
from oreline.data.pii.surnames import ALSO_WORDS, HAN, SURNAME, is_name

_PERSON = rf"((?![{ALSO_WORDS}]){SURNAME}{HAN}{{1,2}})"
_ALONE = rf"(?<!{HAN})(?<![0-9A-Za-z])"
_VALUE = (
    r"(?:(?:手机|电话|座机|身份证|证件|护照|微信|邮箱)(?:号码?)?(?:是|为)?\s*+[:：]?\s*+|[+＋]?)"
    r"(?=[(（+＋]?[0-9]{3}|[A-Z]{1,2}[0-9]{7})"
)
_NUMBERED = re.compile(
    rf"(?:{_ALONE}|(?:父亲|母亲|爸爸|妈妈|儿子|女儿|丈夫|妻子|配偶|家属|老公|老婆)\s*+){_PERSON}"
    rf"\s{{0,9}}[,，、|｜/(（\n ]\s{{0,9}}(?:[男女]\s*[,，、|]|[\u4e00-\u9fff|｜/ ]{{0,10}}?{_VALUE})"
)
"""With a number that belongs to a person, or a sex: `接龙：王伟，身份证…`, `王伟 | 销售经理 | 电话…`."""
_IN_A_ROLE = re.compile(
    rf"(?:班主任|辅导员|主治医[师生]|责任护士|管床医生|家属|监护人)(?:[是为:：]|老师)?\s*{_PERSON}(?=\s*(?:[,，、;；。！!(（|\n]|$|请|老师|医生|电话|手机|身份))"
)
_PARENT = re.compile(
    rf"(?<!{HAN}){_PERSON}(?:小?同学|小?朋友)?的?(?=(?:家长|[妈爸]{{2}}|爷爷|奶奶|监护人)(?:在|您|你|吗|好|请|来|[,，:：]))"
)
_UNDER_A_LETTER = re.compile(rf"(?:敬[礼上启]|[商时]祺|台安|祝好)[!！。.]?[^\S\n]*+\n\s*+{_PERSON}\s*(?:$|\n)")
_RECEIVING = re.compile(rf"[,，]\s?{_PERSON}收(?=[,，。;；!！\n]|$)")
_PATTERNS = (
    (_NUMBERED, ("电话", "手机", "座机", "身份证", "证件", "护照", "微信", "邮箱", "男", "女")),
    (_IN_A_ROLE, ("班主任", "辅导员", "主治医", "护士", "医生", "家属", "监护人")),
    (_PARENT, ("家长", "妈妈", "爸爸", "爷爷", "奶奶", "监护人")),
    (_UNDER_A_LETTER, ("敬礼", "敬上", "敬启", "祺", "台安", "祝好")),
    (_RECEIVING, ("收",)),
)
"""With words of which a text has one where the pattern can match."""
HINT = (
    "(?:手机|电话|座机|身份证|证件|护照|微信|邮箱)[号码是为:： ]{0,4}[(+0-9A-Z（]|[男女] ?[,，、|]|班主任|辅导员|主治医"
    "|责任护士|管床医生|家属|监护人|家长|妈妈|爸爸|爷爷|奶奶|敬[礼上启]|[商时]祺|台安|祝好|收(?:[,，。;；!！\\n]|$)"
)
"""A pattern of Rust's: texts without it have nothing for this module."""


def names_beside(text: str) -> Places:
    """Yield names that nothing announces, but what follows or goes before says to be a person's."""
    for match in _matches(text):
        if is_name(match[1]):
            yield match.span(1)


def _matches(text: str) -> Iterator[re.Match[str]]:
    for pattern, words in _PATTERNS:
        if any(word in text for word in words):
            yield from pattern.finditer(text)
