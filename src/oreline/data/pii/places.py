"""Addresses and organisations by their form and the words around them, in Chinese and English."""

from __future__ import annotations

import re

from oreline.data.pii.spans import AFTER, Places

_PROVINCE = (
    "北京|上海|天津|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州"
    "|云南|陕西|甘肃|青海|"
    "台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
_IN = r"[\u4e00-\u9fff0-9A-Za-z#\-－·()（）]"
_NUMBER = r"(?:[0-9]{1,5}(?:[-－][0-9]{1,4})?|[一二三四五六七八九十百]{1,4}|[A-Za-z][0-9]{0,3})"
_UNIT = r"(?:号楼|号院|号|栋|幢|座|单元|楼|层|室|房|户|组|弄|村|队)"
_LAST = re.compile(rf"{_NUMBER}{_UNIT}(?:[0-9]{{2,5}}+(?![0-9-]|{_UNIT}))?")
_AREA_END = re.compile(r"[省市区县镇乡村路街道巷里]")
_BESIDE = re.compile("门口|附近|旁边|隔壁|对面|楼下|前面|后面|谢谢")
_CUED = re.compile(
    r"(?:地\s*址|住\s*址|现\s*住|家\s*住|住所|居住地?|住在|寄到|送到|送货到|发货到|寄往|户籍地?|地点|籍贯|注册地"
    r"|坐落(?:于|在)?|位于)"
    rf"(?:信息)?\s*(?:[:：=]|是|为|在|于)?\s*((?:{_PROVINCE}"
    rf"|[\u4e00-\u9fff]{{2,8}}?[省市区县州镇乡村路街道]){_IN}{{0,60}})"
)
_PLAIN = re.compile(
    rf"(?:{_PROVINCE})(?:省|市|自治区|维吾尔自治区|壮族自治区|回族自治区"
    rf"|特别行政区)?[\u4e00-\u9fff]{{0,12}}?[市区县州][\u4e00-\u9fff0-9]{{1,24}}?"
    rf"(?:路|街|大道|道|巷|弄|胡同|里|村|苑|园|镇|乡){_IN}{{0,40}}"
)

_STREET = (
    r"(?:[A-Z0-9][\w'.]{0,20} ){1,4}(?:Street|Avenue|Road|Boulevard|Lane|Drive|Court|Place|Square|Terrace|Parkway"
    r"|Highway|Way|Close|Crescent"
    r"|St|Ave|Rd|Blvd|Ln|Dr|Ct|Pl|Sq|Pkwy|Hwy)(?![A-Za-z])\.?"
)
_HOUSE = (
    rf"(?<![0-9A-Za-z.$])[0-9]{{1,5}}[A-Za-z]?(?:[-/][0-9]{{1,4}})?,? {_STREET}"
    r"(?: (?:NW|NE|SW|SE|N|S|E|W)(?![A-Za-z]))?"
)
_FLAT = r"(?:,? ?(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Room|#)\.? ?[0-9A-Za-z-]{1,6})?"
_TOWN = r"(?:,\s?[A-Z][A-Za-z.' -]{1,30}?)"
_CITY = r"(?:,\s?[A-Z][A-Za-z'-]+(?: [A-Z][A-Za-z'-]+){0,2})"
_POSTCODE = r"(?:[0-9]{5}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2})"
_FULL = re.compile(rf"{_HOUSE}{_FLAT}{_TOWN}{{1,2}}(?:,? (?:[A-Z]{{2}} )?{_POSTCODE}|, [A-Z]{{2}}){AFTER}")
_ENGLISH_CUED = re.compile(
    r"(?:[Aa]ddress(?: is)?\s*:?|[Ll]ives? (?:at|on)|[Ll]iving (?:at|on)|[Rr]esid(?:es?|ing) (?:at|in)"
    r"|[Ss]hip(?:ped)?(?: it| this| them)? to|[Dd]eliver(?:ed)?(?: it)? to"
    rf"|[Mm]oved to|[Ss]ent? to|[Ll]ocated at|[Mm]ail(?: it)? to)\s*((?:{_HOUSE}{_FLAT}"
    rf"|P\.?O\.? Box [0-9]{{1,6}})(?:{_CITY}{{1,2}}(?:,? (?:[A-Z]{{2}} )?{_POSTCODE})?)?)"
)

_COMPANY = re.compile(
    r"(?:公司名称|单位名称|工作单位|所在单位|公司|单位|任职于|就职于|供职于|毕业于|就读于|毕业院校)\s*(?:[:：=]|是"
    r"|为)?\s*"
    r"([\u4e00-\u9fff（）()A-Za-z0-9]{2,28}?(?:有限责任公司|股份有限公司|有限公司|公司|集团|研究院|研究所|大学|学院"
    r"|医院|银行|中学|小学|事务所|委员会|中心))"
)
_REGISTERED = re.compile(
    r"(?:[\u4e00-\u9fff]{2,6}[省市])?[\u4e00-\u9fff（）()]{2,16}(?:有限责任公司|股份有限公司|有限公司)"
)
_ENGLISH_COMPANY = re.compile(
    r"((?:[A-Z][\w&'’-]{0,24},? ){1,5}(?:Inc|Ltd|LLC|LLP|Corp|GmbH|PLC|plc|Corporation|Limited|Company|University"
    r"|Hospital))(?![0-9A-Za-z])"
)
_EMPLOYED = re.compile(r"(?:[Ee]mployer|[Cc]ompany|[Oo]rgani[sz]ation)\s*:\s*([A-Z][\w&'’-]*(?: [A-Z&][\w&'’-]*){0,4})")


def addresses(text: str) -> Places:
    """Yield addresses: province to number in Chinese, number to town in English, or what is named an address."""
    for pattern, group in ((_CUED, 1), (_PLAIN, 0)):
        for match in pattern.finditer(text):
            is_field = group == 1 and text[match.start(1) - 1] in ":："
            end = _chinese_end(match[group], named=is_field)
            if end:
                yield match.start(group), match.start(group) + end
    yield from (match.span() for match in _FULL.finditer(text))
    yield from (match.span(1) for match in _ENGLISH_CUED.finditer(text))


def _chinese_end(run: str, *, named: bool) -> int:
    """Return where the address in a run of characters ends: after its last number with a unit, or its last area."""
    if beside := _BESIDE.search(run):
        run = run[: beside.start()]
    ends = [match.end() for match in _LAST.finditer(run)]
    if not ends and named:
        ends = [match.end() for match in _AREA_END.finditer(run)][-1:]
        return ends[0] if ends and ends[0] >= 6 else 0
    return ends[-1] if ends else 0


def organisations(text: str) -> Places:
    """Yield organisations: by the form of a registered company, or named as an employer or a school."""
    yield from (match.span(1) for match in _COMPANY.finditer(text))
    yield from (match.span() for match in _REGISTERED.finditer(text))
    yield from (match.span(1) for match in _ENGLISH_COMPANY.finditer(text))
    yield from (match.span(1) for match in _EMPLOYED.finditer(text))
