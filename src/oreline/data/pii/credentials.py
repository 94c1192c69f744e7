"""Keys, tokens and passwords: by the forms that their issuers publish, and by words that name one.

The forms are those which GitHub, GitLab, AWS, Google, Slack, Stripe, OpenAI, Alibaba, Tencent, npm, PyPI, SendGrid and
Hugging Face document for their own keys, and RFC 7519 and 7468 for tokens and private keys.
"""

from __future__ import annotations

import math
import re
from collections import Counter

from oreline.data.pii.spans import AFTER, BEFORE, Places, begun

_FORMS = re.compile(
    rf"{BEFORE}(?:"
    r"(?:AKIA|ASIA)[0-9A-Z]{16}|LTAI[0-9A-Za-z]{12,24}|AKID[0-9A-Za-z]{28,36}|AIza[0-9A-Za-z_-]{35,36}"
    r"|ya29\.[0-9A-Za-z_-]{20,400}"
    r"|gh[pousr]_[0-9A-Za-z]{36,80}|github_pat_[0-9A-Za-z_]{40,100}|glpat-[0-9A-Za-z_-]{20,60}"
    r"|xox[abeoprs]-[0-9A-Za-z-]{10,250}"
    r"|sk-[0-9A-Za-z_-]{20,200}|[sr]k_(?:live|test)_[0-9A-Za-z]{16,120}|whsec_[0-9A-Za-z+/=]{24,80}"
    r"|GOCSPX-[0-9A-Za-z_-]{24,40}"
    r"|npm_[0-9A-Za-z]{36}|pypi-AgE[0-9A-Za-z_-]{50,250}|SG\.[0-9A-Za-z_-]{16,32}\.[0-9A-Za-z_-]{30,64}"
    r"|hf_[0-9A-Za-z]{30,48}"
    rf"|eyJ[0-9A-Za-z_-]{{8,2000}}\.eyJ[0-9A-Za-z_-]{{8,4000}}\.[0-9A-Za-z_-]{{10,1000}}){AFTER}"
)
_BLOCK = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[\s\S]{0,8000}?-----END (?:[A-Z]+ )*PRIVATE KEY-----")
_NAMED = re.compile(
    r"(?:password|passwd|pwd|passphrase|passcode|secret(?:[_ -]?(?:access[_ -]?)?key)?|token"
    r"|api[_ -]?key|access[_-]?key(?:[_-]?id)?|(?:private"
    r"|encryption)[_-]?key|credentials?"
    r"|(?:密码|口令|密钥|令牌|秘钥|私钥)(?=[\"'\s]*(?:[:：=]|是|为|[!-~])))[\"']?\s*(?:[:：=]|(?:is|was)(?=[ :])|是|为"
    r"|(?<=[码令钥]))\s*[\"'“]?([!-&(-+\--~]{4,200})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?:Bearer|Basic|Token)\s+([0-9A-Za-z._~+/=-]{16,2000})")
_FORM_CUE = re.compile(
    r"A(?:KI|SI|Iz)|LTAI|ya29|g(?:h[pousr]_|ithub_pat_|lpat-)|xox|sk[-_]|rk_|whsec_|GOCSPX|npm_|pypi-|SG\.|hf_|eyJ"
)
_NAMED_CUE = re.compile(
    "pass[wpc]|pwd|secret|token|api|access|private|encryption|credential|密[码钥]|口令|令牌|秘钥|私钥"
)
"""What the patterns begin with, to be found fast."""
_CHINESE_CUE = re.compile(r"[密口令秘私]")
_TRAILING = ".,;:!?()[]{}~@\"'"
"""What ends a sentence, or begins a remark, behind a secret."""
_LEAST_BITS = 2.5
"""Fewest bits a character of a named secret has, on average over its characters (Shannon). Words have letters alone."""


def secrets(text: str) -> Places:
    """Yield keys, tokens and passwords."""
    yield from (match.span() for match in begun(_FORMS, _FORM_CUE, text))
    yield from (match.span() for match in _BLOCK.finditer(text))
    for match in begun(_NAMED, _NAMED_CUE, text, any_case=True):
        value = match[1].rstrip(_TRAILING)
        if _is_secret(value, in_chinese=_CHINESE_CUE.match(match[0]) is not None):
            yield match.start(1), match.start(1) + len(value)
    for match in _BEARER.finditer(text):
        if _is_secret(match[1], in_chinese=False):
            yield match.start(1), match.start(1) + len(match[1].rstrip("."))


def _is_secret(value: str, *, in_chinese: bool) -> bool:
    """Whether what a text names a secret looks like one: not a word, and not one character again and again.

    After a Chinese word, what is not Chinese is already no part of the sentence.
    """
    if value.startswith(("[", "<", "{", "$", "*", "http")) or len(value) < 6:
        return False
    if in_chinese and value.isdigit():
        return True
    return _bits(value) >= _LEAST_BITS and any(map(str.isdigit, value)) and not value.replace(".", "").isdigit()


def _bits(value: str) -> float:
    """Return the entropy of the characters of a value, in bits a character."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
