"""Addresses and organisations by their form and the words around them, in Chinese and English."""

from __future__ import annotations

import functools
import re

from oreline.data.pii.spans import AFTER, Places, begun

_PROVINCE = (
    "北京|上海|天津|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州"
    "|云南|陕西|甘肃|青海|"
    "台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
_IN = r"[\u4e00-\u9fff0-9A-Za-z#\-－·()（）]"
_NUMBER = r"(?:[0-9]{1,5}(?:[-－][0-9]{1,4})?|[一二三四五六七八九十百]{1,4}|[A-Za-z][0-9]{0,3})"
_UNIT = r"(?:号楼|号院|号|栋|幢|座|单元|楼|层|室|房|户|组|弄|村|队|门(?=[0-9]))"
_LAST = re.compile(rf"{_NUMBER}{_UNIT}(?:[0-9]{{2,5}}+(?![0-9-]|{_UNIT}))?")
_HOME = (
    r"(?:花园|家园|小区|新村|公寓|别墅|庄园|华庭|广场|大厦(?:[0-9]{2,5}(?![0-9]))?|中心|大楼|国际|社区|学校|大学|医院|酒店|宾馆|商场|超市|市场|工业园|产业园|科技园"
    r"|(?:[苑园府居庭阁轩湾里邸院寓座]|城(?!市))(?:[0-9]{1,5}(?![0-9]))?|之[光家星城]|[\u4e00-\u9fff]100)"
)
_NAMED_HOME = re.compile(rf"[\u4e00-\u9fff]{{1,7}}?{_HOME}(?![\u4e00-\u9fff])|[\u4e00-\u9fff]{{1,7}}?{_HOME}")
"""What a house is called, behind its number: up to the end of the Chinese text, or as short as may be."""
_AREA_END = re.compile(r"[省市区县镇乡村路街道巷里]")
_BESIDE = re.compile("门口|附近|旁边|隔壁|对面|楼下|前面|后面|谢谢")
_CUED = re.compile(
    r"(?:地\s*址|住\s*址|现\s*住|家\s*住|住所|居住地?|住在|寄到|送到|送货到|发货到|寄往|户籍地?|地点|籍贯|注册地"
    r"|坐落(?:于|在)?|位于|搬[到去]|约在|请(?:寄[往到]?|[到往])|退货请?寄|发到|配送至|派送到|老家|定位|户口在|上门(?:取件)?(?:到|地点)|店在|房子在|更正为){1,2}"
    rf"(?:信息)?(?:更正|更改|变更|修改|改)?\s*+(?:[:：=]|是|为|在|于|成)?\s*+((?:{_PROVINCE}"
    rf"|[\u4e00-\u9fff]{{2,8}}?[省市区县州镇乡村路街道]){_IN}{{0,60}})"
)
_PLAIN = re.compile(
    rf"(?:{_PROVINCE})(?:省|市|自治区|维吾尔自治区|壮族自治区|回族自治区"
    rf"|特别行政区)?[\u4e00-\u9fff]{{0,12}}?[市区县州][\u4e00-\u9fff0-9]{{1,24}}?"
    rf"(?:路|街|大道|道|巷|弄|胡同|里|村|苑|园|镇|乡){_IN}{{0,40}}"
)
_AREA = re.compile(
    rf"[\u4e00-\u9fff]{{2,12}}?[市区县旗州][\u4e00-\u9fff0-9A-Za-z]{{2,40}}?{_NUMBER}{_UNIT}{_IN}{{0,30}}"
)
"""An address that begins with a town of any name; where, `_starts_at` says."""

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
_CITY = r"(?:,\s?(?:St\. )?[A-Z][A-Za-z'-]+(?: [A-Z][A-Za-z'-]+){0,2})"
_BRITISH = r"[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}"
_CANADIAN = r"[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]"
_IRISH = r"[A-Z][0-9][0-9W] [0-9A-Z]{4}"
_POSTCODE = (
    rf"(?:[0-9]{{5}}(?:-[0-9]{{4}})?|{_BRITISH}|{_CANADIAN}|{_IRISH}|(?<=[A-Z] )[0-9]{{4}}|(?<=Dublin )[0-9]{{1,2}})"
)
_STATE = (
    "(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]"
    "|ON|QC|BC|AB|MB|SK|NSW|VIC|QLD|TAS)"
)
_A_FLAT = r"(?:(?:Flat|Apt|Apartment|Unit|Suite|Room)\.? [0-9A-Za-z-]{1,6},? )"
_IN_A_FLAT = f"{_A_FLAT}?"
_FULL = re.compile(
    rf"{_IN_A_FLAT}{_HOUSE}{_FLAT}{_TOWN}{{1,2}}(?:,? (?:{_STATE} )?{_POSTCODE}|, [A-Z]{{2}}(?: {_POSTCODE})?){AFTER}"
)
_ANY_STREET = r"(?<![0-9A-Za-z.$])[0-9]{1,5}[A-Za-z]? (?:[A-Z][\w'.-]{0,30} ?){1,4}(?<! )"
_BY_POSTCODE = re.compile(
    rf"(?:{_IN_A_FLAT}{_ANY_STREET}"
    rf"|{_A_FLAT}(?:[A-Z][\w'&.-]{{0,30}} ?){{1,4}}(?<! )|P\.? ?O\.? Box [0-9]{{1,6}}){_FLAT}{_CITY}"
    rf"(?:,? {_STATE} {_POSTCODE}|,? (?:{_BRITISH}|{_CANADIAN}|{_IRISH})|, {_STATE}|(?<=Dublin) [0-9]{{1,2}}){AFTER}"
)
"""A street of any name: what follows can be nothing but a town."""
_ENGLISH_CUED = re.compile(
    r"(?:[Aa]ddress(?: is)?\s*:?|[Ll]ives? (?:at|on)|[Ll]iving (?:at|on)|[Rr]esid(?:es?|ing) (?:at|in)"
    r"|[Ss]hip(?:ped)?(?: it| this| them)? to|[Dd]eliver(?:ed)?(?: it)? to"
    r"|[Mm]oved to|[Ss]e(?:nt|nd)(?: it| this| them)? to|[Ll]ocated at|[Mm]ail(?: it)? to|[Rr]eturn it to)\s*"
    rf"((?:{_IN_A_FLAT}{_HOUSE}{_FLAT}|P\.?O\.? Box [0-9]{{1,6}})(?:{_CITY}{{1,2}}(?:,? (?:{_STATE} )?{_POSTCODE})?)?)"
)
_NUMBERED = re.compile("[0-9][A-Za-z]?,? [A-Z0-9]")
"""Every English address has this, or is a box."""
_ANNOUNCING = re.compile("[AaLlRrSsDdMm](?:ddress|iv|esid|hip|eliver|oved|e[nt]|ocated|ail|eturn)")
_HAN = re.compile("[\u4e00-\u9fff]")

_FARTHEST = 14
"""Characters before which a place has to be named."""
_TOWNS = frozenset("省市区县旗州")

_COMPANY = re.compile(
    r"(?:公司名称|单位名称|工作单位|所在单位|公司|单位|任职于|就职于|供职于|毕业于|就读于|毕业院校)\s*+(?:[:：=]|是"
    r"|为)?\s*+"
    r"([\u4e00-\u9fff（）()A-Za-z0-9]{2,28}?(?:有限责任公司|股份有限公司|有限公司|公司|集团|研究院|研究所|大学|学院"
    r"|医院|银行|中学|小学|事务所|委员会|中心))"
)
_REGISTERED = re.compile(
    r"(?:[\u4e00-\u9fff]{2,6}[省市])?[\u4e00-\u9fff（）()]{2,16}(?:有限责任公司|股份有限公司|有限公司)"
)
_BEFORE_COMPANY = re.compile(
    r".*(?:投诉|举报|起诉|就职于|任职于|供职于|毕业于|入职|全称|名称|抬头|[甲乙]方|[我你他她]在|关于)|[和与或]"
)
_TOWNS_OWN = re.compile(
    r"[\u4e00-\u9fff]{2,4}[省市区县][\u4e00-\u9fff]{0,8}?(?:第[一二三四五六七八九十]{1,3})?"
    r"(?:大学|中学|小学|学院|幼儿园|医院)"
)
_ENGLISH_COMPANY = re.compile(
    r"((?:[A-Z][\w&'’-]{0,24},? (?:& )?){1,5}(?:Inc|Ltd|LLC|LLP|PLLC|Corp|GmbH|PLC|plc|Corporation|Limited|Company"
    r"|University|College|Hospital)(?:(?<=Inc)\.)?)(?![0-9A-Za-z])"
)
_EMPLOYED = re.compile(r"(?:[Ee]mployer|[Cc]ompany|[Oo]rgani[sz]ation)\s*:\s*([A-Z][\w&'’-]*(?: [A-Z&][\w&'’-]*){0,4})")


_SHORTEST_COMPANY = 5


def addresses(text: str) -> Places:
    """Yield addresses: town to number in Chinese, number to town in English, or what is named an address."""
    if _HAN.search(text):
        yield from _chinese(text)
    if _NUMBERED.search(text) or "Box " in text:
        for pattern in (_FULL, _BY_POSTCODE):
            yield from (match.span() for match in pattern.finditer(text))
        yield from (match.span(1) for match in begun(_ENGLISH_CUED, _ANNOUNCING, text))


def _chinese(text: str) -> Places:
    for pattern, group in ((_CUED, 1), (_PLAIN, 0)):
        for match in pattern.finditer(text):
            is_field = group == 1 and text[match.start(1) - 1] in ":："
            if end := _chinese_end(match[group], named=is_field):
                yield match.start(group), match.start(group) + end
    if not any(town in text for town in _TOWNS) or not _LAST.search(text):
        return
    for match in _AREA.finditer(text):
        begin = _starts_at(match[0])
        if begin is not None and (end := _chinese_end(match[0][begin:], named=False)):
            yield match.start() + begin, match.start() + begin + end


def _starts_at(run: str) -> int | None:
    """Return where an address begins in a run of Chinese characters: at a place that lies in another, or is a town."""
    names = _place_names()
    for start in range(min(len(run), _FARTHEST)):
        for end in (start + 2, start + 3, start + 4):
            if run[start:end] in names and (
                run[end - 1] in _TOWNS or run[end : end + 1] in _TOWNS or _lies_in(run, end)
            ):
                return start
    return None


def _lies_in(run: str, start: int) -> bool:
    """Whether a place's name begins there."""
    return any(run[start:end] in _place_names() for end in (start + 2, start + 3, start + 4))


@functools.cache
def _place_names() -> frozenset[str]:
    """Return the places of jieba's dictionary."""
    import jieba

    with jieba.get_module_res("dict.txt") as file:
        entries = (line.split(" ") for line in file.read().decode("utf-8").splitlines())
        return frozenset(word for word, _, tag in entries if tag == "ns" and 2 <= len(word) <= 4)


def _chinese_end(run: str, *, named: bool) -> int:
    """Return where the address in a run of characters ends: after its last number with a unit, or its last area."""
    if beside := _BESIDE.search(run):
        run = run[: beside.start()]
    ends = [match.end() for match in _LAST.finditer(run)]
    if ends:
        home = _NAMED_HOME.match(run, ends[-1])
        return home.end() if home else ends[-1]
    if named:
        ends = [match.end() for match in _AREA_END.finditer(run)][-1:]
        return ends[0] if ends and ends[0] >= 6 else 0
    return 0


def organisations(text: str) -> Places:
    """Yield organisations: by the form of a registered company, or named as an employer or a school."""
    for match, group in (*((m, 1) for m in _COMPANY.finditer(text)), *((m, 0) for m in _REGISTERED.finditer(text))):
        before = _BEFORE_COMPANY.match(match[group])
        start = match.start(group) + (before.end() if before else 0)
        if match.end(group) - start >= _SHORTEST_COMPANY:
            yield start, match.end(group)
    yield from (match.span() for match in _TOWNS_OWN.finditer(text))
    yield from (match.span(1) for match in _ENGLISH_COMPANY.finditer(text))
    yield from (match.span(1) for match in _EMPLOYED.finditer(text))
