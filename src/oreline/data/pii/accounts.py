"""What people write their names for: accounts at WeChat and QQ, and dates of birth; all of them named by a word."""

from __future__ import annotations

import re

from oreline.data.pii.spans import AFTER, BEFORE, DIGIT, Places, begun, disowned

_MARKS = r"[ \t:：=+|/→>@#（(「“\"'.-]"
"""What stands beside an account and ends no sentence."""
_BRIDGE = (
    rf"(?:{_MARKS}|[吧呗呀啊]，|，?(?:号码?|账号|帐号|[Ii][Dd])?[是为]|[\u4e00-\u9fff❤]|[Ii][Dd](?![A-Za-z])"
    rf"|(?:is|are|me|on|at|as|my|her|his|our|group|user(?:name)?|account|handle|[Nn]umber|[Nn]o|name|I|am|I'm|'s|via|by|was|under|too)"
    rf"(?![A-Za-z])|, ?(?:my |group |[Nn]umber|[Nn]o|[Ii][Dd]|account)){{0,12}}?"
)
"""What stands between a word for the service and the account: Chinese of the same clause, some English words."""
_NO_WECHAT = (
    "支付|小程序|公众|红包|转账|版本?|登录|钱包|读书|视频|运动|表情|零钱|群聊|客户端|朋友圈里?看|同号[\u4e00-\u9fff]"
)
_NO_HANDLE = (
    "account|handle|username|number|android|windows|iphone|harmony|facebook|whatsapp|telegram|instagram|wechat|weixin"
    "|twitter|alipay|taobao"
)
_HANDLE = rf"(?<![0-9A-Za-z])(?!(?i:{_NO_HANDLE})(?![-_0-9A-Za-z]))([A-Za-z][-_0-9A-Za-z]{{5,19}}){AFTER}"
_WECHAT = re.compile(
    rf"(?:(?:微[\s.·]?信|[薇威徽]信|[vVwW]信|[wW]e[cC]hat|WECHAT|[wW]ei[xX]in|WEIXIN|[微薇威v][❤心]\ufe0f?|绿泡泡|卫星号"
    rf"|{BEFORE}[vVwW][xX]|[vV]号)(?!{_NO_WECHAT})|加个?微|加个?薇|[➕+＋加]\s?[vVwW](?![A-Za-z])|我的\s?[vVwW](?![A-Za-z])"
    rf"|(?:{BEFORE}[vVwW]|微|薇)(?=\s?[:：]))"
    rf"({_BRIDGE}){_HANDLE}"
)
_WECHAT_AFTER = re.compile(
    rf"{_HANDLE}(?=[ ]?(?:(?:on|via|at|in|through) (?:my |our )?[wW]e[cC]hat|(?:这个|是我的?|为我的?)(?:微信|[vV]信)))"
)
_WECHAT_GLUED = re.compile(
    rf"{BEFORE}(?<![-_])[vVwW][xX](?!(?i:id_|python|widgets|works|pay|app|web|js|ml|open))([A-Za-z][-_0-9A-Za-z]{{5,19}}){AFTER}"
)
"""`vxsunny88`: in a text with Chinese, where Latin letters are no sentence. After `_` it would be a pseudonym."""
_WECHAT_ADDED = re.compile(
    rf"(?<![添增附])加\s?[vVwW](?!(?i:{_NO_HANDLE}|x|pn|itamin|indows))([A-Za-z][-_0-9A-Za-z]{{5,19}})"
    r"(?=\s?(?:备注|注明|咨询|说明|私聊|聊))"
)
"""`加vhelloanan备注`: letters alone, glued to the letter of the service; what to write with it follows."""
_SERVICE = re.compile("[微薇威徽绿卫加我vVwW➕+＋]")
_GLUED = re.compile("[vVwW][xX][A-Za-z]")
"""What the patterns begin with, to be found fast."""
_NAMED = re.compile(r"[:：=号@(（]|[Ii][Dd]|username|account|handle")
_TOLD = re.compile(rf"(?:^|[是为加搜找叫呗吧下系成到我]|{_MARKS})\s*$")
_NO_QQ = "音乐|飞车|空间|浏览器|游戏|农场|币|会员|炫舞|红包|钱包|堂|华夏|影音|拼音|输入法|版|表情"
_COUNTED = r"(?!\s?(?:[人元块次个级万天年分赞条款件字名米+%]|多(?!谢)|users|people|dollars|times|members))(?![.][0-9])"
_NUMBER = rf"([1-9][0-9]{{4,10}}){AFTER}{_COUNTED}"
_QQ = re.compile(
    rf"(?:{BEFORE}[Qq]\s?[Qq](?!{_NO_QQ}|邮箱)群?|扣扣号?|企鹅号?|🐧|群号|[叩蔻]{{2}}|球球|秋秋"
    rf"|(?:加|➕|[+＋]|私聊?|联系|我的?|客服|常用|工作|小|大|{BEFORE})[Qq](?=号|我|\s?[:：])"
    rf"|(?:加|➕|[+＋]|私聊?|联系|我的|客服|常用|工作)\s?[Qq](?=\s?[0-9])|扣(?=我?\s?[:：]))"
    rf"({_BRIDGE})(?:(?<=[Qq])|(?<![0-9A-Za-z])){_NUMBER}"
)
_BARE_QQ = re.compile(rf"{BEFORE}[Qq]\s?{_NUMBER}")
_QQ_AFTER = re.compile(
    rf"{BEFORE}{_NUMBER}(?=[ ]?(?:on QQ|via QQ|at QQ|[(（](?:QQ|qq|扣扣)|(?:这个|是我的?|为我的?)(?:QQ|qq|扣扣)))"
)
_CALLED_QQ = re.compile("[Qq扣企🐧群叩蔻球秋加➕+＋私联我客常工小大]")
_Q = re.compile("[Qq]")
_LEAST_BARE = 7
"""Digits of a QQ number that nothing but a `Q` names: a model is called Q100."""
_LEAST_LETTERS = 8
"""Of an account that has nothing but letters, where only the clause announces it."""
_YEAR, _MONTH, _DAY = r"(?:18|19|20)[0-9]{2}", r"(?:1[0-2]|0?[1-9])", r"(?:3[01]|[12][0-9]|0?[1-9])"
_BIRTH = re.compile(
    r"(?:出生(?:日期|年月日?|于)?|生日|生于|[Dd]ate of [Bb]irth|DOB|[Bb]orn(?: on)?|[Bb]irth\s?day)(?:\s|[:：=]|是|为"
    r"|is|was){0,4}"
    rf"({_YEAR}\s?[-/.年]\s?{_MONTH}\s?[-/.月]\s?{_DAY}日?|{_DAY}[-/. ]{_MONTH}[-/. ]{_YEAR}"
    rf"|{_MONTH}[-/.]{_DAY}[-/.]{_YEAR}"
    rf"|[A-Z][a-z]{{2,8}} {_DAY}(?:st|nd|rd|th)?,? {_YEAR}|{_DAY}(?:st|nd|rd|th)? [A-Z][a-z]{{2,8}} {_YEAR}|(?:19"
    rf"|20)[0-9]{{6}}){AFTER}"
)


_BORN = re.compile(rf"(?<![0-9])({_YEAR}年{_MONTH}月(?:{_DAY}日)?)(?:出生|生)(?![产效活成日病])")


def wechats(text: str) -> Places:
    """Yield WeChat accounts that are named as such; one like a word only where the words before leave no doubt."""
    for match in begun(_WECHAT, _SERVICE, text):
        is_chinese = "\u4e00" <= text[match.start(1) - 1] <= "\u9fff" or "信" in match[0][:3]
        if not disowned(text, match.start(2)) and _is_account(match[2], match[1] if is_chinese else f"x{match[1]}"):
            yield match.span(2)
    after = _WECHAT_AFTER.finditer(text) if "hat" in text or "信" in text else ()
    for match in (*after, *(() if text.isascii() else begun(_WECHAT_GLUED, _GLUED, text))):
        if re.search("[0-9_]", match[1]):
            yield match.span(1)
    if "加" in text:
        yield from (match.span(1) for match in _WECHAT_ADDED.finditer(text))


def qqs(text: str) -> Places:
    """Yield QQ numbers that are named as such."""
    for match in begun(_QQ, _CALLED_QQ, text):
        yield match.span(2)
    for match in begun(_BARE_QQ, _Q, text):
        if len(match[1]) >= _LEAST_BARE and not disowned(text, match.start()):
            yield match.span(1)
    for match in begun(_QQ_AFTER, DIGIT, text):
        yield match.span(1)


def births(text: str) -> Places:
    """Yield dates of birth that are named as such."""
    yield from (match.span(1) for match in _BIRTH.finditer(text))
    if "生" in text:
        yield from (match.span(1) for match in _BORN.finditer(text))


def _is_account(value: str, before: str) -> bool:
    """Whether what follows a word for WeChat is an account: by its form, or else by how it is announced.

    In a Chinese clause that leads to it (`微信搜`, `加个微吧`) Latin letters are no word of the sentence.
    """
    if re.search("[0-9_]", value) or _NAMED.search(before):
        return True
    return not re.search("[A-Za-z]", before) and _TOLD.search(before) is not None and len(value) >= _LEAST_LETTERS
