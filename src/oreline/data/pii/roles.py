"""Chinese names behind what somebody is, or before what somebody has: roles, relatives, forms, receipts, numbers.

Little announces such a name, so that all of it has to look like one (`surnames.is_name`), and something has to end it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from oreline.data.pii.spans import Hint, Places
from oreline.data.pii.surnames import ANY_SURNAME, FIRST_OF_NAME, HAN, SURNAME, is_name

_PERSON = rf"({ANY_SURNAME}{HAN}{{1,2}}?)"
_END = (
    r"(?=\s{0,3}(?:[,，.。;；:：!！?？、()（）/|<\[\n]|$|[0-9+]|先生|女士|老师|师傅|同学|教授|医生|大夫|经理|主任|的|今天|昨天"
    r"|明天|昨晚|称|说|表示|反映|申请|报名|已|未|没|来|签收|电话|手机|身份证|微信|邮箱|名下)|\s)"
)
_AS = r"\s{0,3}(?:[:：]|叫做?|名叫|是|为)?\s{0,3}"
_ACTS = (
    "请假|听课|驾驶|答辩|接种|来访|批准|审批|审核|复核|汇报|借款|出借|还款|举报|当事|申诉|上诉|报销|填表|制表|记录|介绍"
    "|授权|受托|承办|主办|参会|申报|保管|领取|领用|采购|验收|发货|值班|护理|联络|对接|受害|报警|登记|投诉|持卡|捐赠"
)
_ROLES = (
    f"(?:{_ACTS})人|面试官|考官|学生|学员|考生|旅客|乘客|住客|租客|房客|房东|买家|卖家|客户|业主|住户|车主|司机|骑手|快递员"
    "|小哥|保姆|护工|月嫂|实习生|新同事|同事|室友|邻居|原告|被告|证人|嫌疑人|患者|病人|产妇|导师|班长|组长|店长|会计|出纳"
    "|志愿者|收件|寄件"
)
_RELATIVES = (
    "老公|老婆|丈夫|妻子|爱人|儿子|女儿|爸爸?|妈妈?|父亲|母亲|哥哥?|弟弟|姐姐?|妹妹|[表堂][哥弟姐妹]|舅舅|叔叔|伯伯|姑姑"
    "|姨妈|爷爷|奶奶|外公|外婆|女婿|儿媳"
)
_FIELDS = (
    rf"姓\s?名|名字|寄件|收件|收货|收|发件|落款|署名|签[名字]|抄送|报名|复核|审核|校对|经办|制表"
    rf"|{HAN}{{1,4}}(?:员|者|官|师|主任|经理|代表|顾问)"
)
_MOBILE = r"(?:[(（]?[+＋]?86[)）]?[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}(?![0-9])"
_ID = r"[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])"
_SELF = "鄙人|在下|敝人|免贵|敝姓[^,，\n]{1,2}[,，]"
_REACHED = "找|联系|抄送|发给?|转给|交给|寄给|通知"
_PAPERS = "身份证|护照|驾驶证|银行卡|户口本|社保卡|名下"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:{_ROLES}){_AS}{_PERSON}{_END}",
        rf"(?:{_RELATIVES})\s{{0,3}}(?:[:：]|叫做?|名叫|是|为)\s{{0,3}}{_PERSON}{_END}",
        rf"(?:{_RELATIVES})\s{{0,3}}({SURNAME}{HAN}{{1,2}}?){_END}",
        rf"(?<!{HAN})(?:{_FIELDS})\s{{0,3}}[:：]\s{{0,3}}{_PERSON}{_END}",
        rf"(?:姓\s?名)\s{{0,3}}{_PERSON}(?=\s{{0,3}}[,，。;；]|\s|$)",
        rf"(?<![呼大喊尖鸣惨乱])叫做?{_PERSON}(?=\s{{0,3}}[,，。;；!！(（、\n]|$)",
        rf"(?:{_SELF})\s{{0,3}}{_PERSON}{_END}",
        rf"(?:{_REACHED}){_PERSON}(?=\s{{0,3}}[,，]?\s{{0,3}}(?:[<(（]|分机|电话|手机|微信|邮箱|工号|[0-9+]{{3}}))",
        rf"({SURNAME}{HAN}{{1,2}}?)(?=的?(?:{_PAPERS}))",
        rf"今(?:借到|收到|欠)\s{{0,3}}{_PERSON}(?=人民币|现金|房租|货款|押金|工资|[0-9￥¥])",
        rf"(?:^|\n)\s{{0,3}}[—–-]{{1,4}}\s{{0,3}}{_PERSON}\s{{0,3}}(?:$|\n)",
        rf"(?:(?<!{HAN})(?<![0-9A-Za-z])|[是叫找给和与跟、张位])({ANY_SURNAME}{HAN}{{1,2}})[\s,，、:：/|()（）]{{0,3}}"
        rf"(?={_MOBILE}|{_ID})",
        rf"(?<=[\s:：]){_PERSON}(?=\s{{1,3}}(?:车牌|证件|护照|手机|电话|身份证|性别|[男女][ ,，]|微信|邮箱))",
    )
)
_BEGUN = f"{FIRST_OF_NAME}{HAN}"
HINT = Hint(
    f"(?:{_ROLES}|{_RELATIVES}){_AS}{_BEGUN}|(?:{_FIELDS})\\s*[:：]\\s*{_BEGUN}|姓\\s?名|叫做?{_BEGUN}|{_SELF}"
    f"|(?:{_REACHED}){_BEGUN}{HAN}?\\s*[,，]?\\s*[<(（分电手微邮工0-9+]|{HAN}的?(?:{_PAPERS})|今(?:借到|收到|欠)"
    f"|[—–-]\\s*{_BEGUN}{HAN}?\\s*(?:$|\\n)"
    f"|{HAN}[\\s,，、:：/|()（）+＋]{{0,6}}(?:86[)）]?[ -]?)?1[3-9][0-9][0-9 -]{{6}}"
    f"|{HAN}[\\s,，、:：/|()（）]{{0,3}}[1-9][0-9]{{16}}"
    f"|{HAN}\\s+(?:车牌|证件|护照|手机|电话|身份证|性别|[男女][ ,，]|微信|邮箱)",
    rough=f"(?:{_ROLES}|{_RELATIVES})|[:：]\\s*{FIRST_OF_NAME}|姓\\s?名|叫|{_SELF}|{_REACHED}|{_PAPERS}|今[借收欠]|[—–-]\\s*{HAN}"
    "|1[3-9][0-9][0-9 -]{6}|[0-9]{16}|[车证护手电身性男女微邮]",
)
"""Texts without it have nothing for this module."""


def names_by_role(text: str) -> Places:
    """Yield names of people that a text knows by what they are, do or have."""
    for match in _matches(text):
        if is_name(match[1]):
            yield match.span(1)


def _matches(text: str) -> Iterator[re.Match[str]]:
    for pattern in _PATTERNS:
        yield from pattern.finditer(text)
