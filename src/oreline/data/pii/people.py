"""Names of people by the words around them, in Chinese and English; a model has to find what no text announces."""

from __future__ import annotations

import re
from collections.abc import Iterator

from oreline.data.pii.beside import names_beside
from oreline.data.pii.parts import PARTICLE, WORD, names_by_part
from oreline.data.pii.roles import names_by_role
from oreline.data.pii.spans import Places, begun
from oreline.data.pii.surnames import ALSO_WORDS, HAN, SINGLE, SURNAME, is_surname, name_length

_HAN_THERE = re.compile(HAN)
_NAME = rf"({SURNAME}{HAN}{{1,6}}|{HAN}{{2,6}}·{HAN}{{2,6}})"
_PARTIES = (
    "联系|收件|收货|寄件|发件|申请|签收|经办|负责|委托|受益|投保|被保险|承租|出租|预约|投诉|报名|下单|入住|乘车|订票"
    "|订餐|持卡|开户|监护|担保|证明|推荐|经手|参保|法定代表"
    "|就诊|同行|取件|收款|付款|汇款|举报|报案|陪同|陪护|提货|购票"
)
_ENTRIES = (
    r"法人代表?|姓\s*名|户\s*名|户主|患者|病人|乘客|家长签[字名]|署名|签[名字]|真名|名字|房东|租客|车主|机主|学员|考生"
)
_ANNOUNCED = re.compile(
    rf"(?:(?:{_PARTIES})人|{_ENTRIES})(?:姓名|名字|名称)?\s*+([:：=]|是|为|叫|就?写(?:成|的是)?|改[成为])?\s*+{_NAME}"
)
_ANNOUNCING = re.compile(f"[{''.join(part[0] for part in f'{_PARTIES}|{_ENTRIES}'.split('|'))}]")
"""What it begins with, to be found fast."""
_ROLE = re.compile(rf"(?<![\u4e00-\u9fff])[\u4e00-\u9fff]{{1,4}}人\s*([:：])\s*{_NAME}")
"""A form's field for a person of whatever part."""
_SPOKEN = re.compile(
    rf"(?:我叫|我的名字是|我名叫|本人姓名|名叫|病人叫|患者叫|本人叫|本人(?![的是在已对有叫]))\s*+([:：])?\s*+{_NAME}"
)
_BEING = re.compile(rf"(?:我是|我就是)()((?![向连全时从成单关应于白]){SURNAME}{HAN}{{1,2}})(?=[,，。!！;；\s]|$)")
_SENT_TO = re.compile(rf"(?:写|转)()((?![{ALSO_WORDS}]){SURNAME}{HAN}{{1,2}}?)收(?![{SINGLE}\u4e00-\u9fff])")
_ASKED_FOR = re.compile(
    rf"(?:转[交告给]|交给|请找|[帮替]我[找约]|联系(?:一下)?|通知|[让请约找])()"
    rf"({SURNAME}{HAN}{{1,2}}?)(?:先生|女士|小姐|经理|老师|医生|大夫|主任|教授|律师|师傅)"
)
"""With a title, and asked for: whoever is talked about (`张艺谋先生`) is not."""
_ADDRESSED = re.compile(rf"(?<![\u4e00-\u9fff])()({SURNAME}{HAN}{{1,2}}?)(?:先生|女士|小姐|经理|老师)[,，]?[您你]好")
_POLITE = ("先生", "女士", "小姐", "经理", "老师", "医生", "大夫", "主任", "教授", "律师", "师傅")
_PATTERNS = (
    (_ANNOUNCED, ("人", "名", "户主", "患者", "客", "法", "签", "房东", "车主", "机主", "学员", "考生")),
    (_ROLE, ("人：", "人:", "人 ：", "人 :")), (_SPOKEN, ("叫", "本人", "我的名字")), (_BEING, ("我是", "我就是")),
    (_SENT_TO, ("收",)), (_ASKED_FOR, _POLITE), (_ADDRESSED, _POLITE),
)  # fmt: skip
"""With words of which a text has one where the pattern can match: a look for a word is a tenth of the work."""
_TITLED = re.compile(
    rf"((?![{ALSO_WORDS}]){SURNAME}{HAN}{{0,2}}?)(?:先生|女士|小姐|经理|老师|医生|大夫|主任|教授|律师|师傅|总监"
    rf"|局长|院长)"
)
_TITLE = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Madam)\.?"
_ENGLISH = rf"({WORD}(?: (?:[A-Z]\.|St\. {WORD}|(?:{PARTICLE} ){{0,2}}{WORD})){{0,3}})"
_TWO = rf"((?!{_TITLE} ){WORD}(?: [A-Z]\.)?(?: (?:St\. {WORD}|(?:{PARTICLE} ){{0,2}}{WORD})){{1,2}})"
"""A first name and another one at least: a word alone with a capital may be anything."""
_FIRST = r"(?<![0-9A-Za-z])(?<![0-9A-Za-z,;] )"
"""Not in the middle of a sentence: a file name or a product's is nobody's."""
_NAMED = re.compile(rf"name is (?:{_TITLE} )?{_ENGLISH}")
_WHOSE = ("my ", "My ", "his ", "His ", "her ", "Her ", "customer's ", "full ", "Full ")
_CALLED = re.compile(rf"(?:[Ii](?: am|'m) called|[Cc]all me)\s+(?:{_TITLE} )?{_ENGLISH}")
_CALLING = re.compile(r"[IiCc](?:(?: am|'m) called|all me)\s")
_SENTENCE = r"(?<![0-9A-Za-z])(?<![0-9A-Za-z] )"
_FIELD = re.compile(rf"\s?[:：]\s*(?:{_TITLE} )?{_ENGLISH}(?=\s*(?:[,，.。;；!！?？()（）|/<\n]|$)| [-–—] | [a-z])")
"""Another field may follow (`Customer: Passport #`): a name ends its own."""
_FIELD_CUE = re.compile(
    rf"(?:{_SENTENCE}(?:Name|Contact|Customer(?: [Nn]ame)?|Employee|Signed)"
    rf"|(?<![A-Za-z])(?:[Ff]ull [Nn]ame|[Cc]ontact [Pp]erson|[Pp]atient(?: [Nn]ame)?|[Aa]ttn|[Aa]ttention|[Rr]ecipient"
    r"|[Ss]igned(?: by)?|[Gg]iven [Nn]ames?"
    rf"|(?:[Cc]ard|[Aa]ccount |[Pp]olicy ?)[Hh]older|[Pp]assenger|[Gg]uest [Nn]ame))$"
)
"""What a field for a name is called."""
_PART_CUE = re.compile(
    r"(?<![A-Za-z])(?:[Aa]uthor|[Aa]pplicant|[Bb]eneficiary|[Cc]onsign(?:ee|or)|[Ss]ender|[Pp]aye[er]|[Gg]uardian|[Pp]arent"
    r"|[Ss]tudent|[Tt]eacher|[Tt]enant|[Ll]andlord|[Pp]hysician|[Dd]octor|[Nn]urse|[Dd]river|[Bb]uyer|[Ss]eller|[Ww]itness"
    r"|[Rr]eviewer|[Cc]ommitter|[Rr]eported-by|[Ss]igned-off-by|[Cc]o-authored-by|[Nn]ext of [Kk]in)$"
)
"""What a field for somebody of a part is called: its name has two words, for it may be a firm's."""
_FIRMS = re.compile(
    r"(?:^| )(?:Bank|Inc|Ltd|Llc|Limited|Corp|Corporation|Company|Group|Trading|Logistics|Services?|Hospital|University"
    r"|School|College|Store|Shop|Foods?|Union|Press|Studios?|Partners|Holdings|Solutions|Systems|Team|Support|Department"
    r"|Office|Clinic|Hotel|Center|Centre|Club|Airlines?|Motors|Media|News|Times)(?: |$)"
)
_LONGEST_CUE = 17
_COLON = re.compile("[:：]")
_NAMED_BY = re.compile(
    rf"(?<![A-Za-z])(?:[Aa]sk for|[Ss]peak (?:to|with)|[Ss]igned by|[Uu]nder the name(?: of)?|[Bb]ooked under"
    r"|[Rr]eferred by|(?:[Pp]ayable|[Rr]egistered|[Ii]ssued|[Aa]ddressed|[Bb]illed) to"
    r"|[Nn]ame on (?:the|my) "
    rf"(?:card|list|order|account|booking) is|[Nn]ame's|[Ss]igned,) (?:{_TITLE} )?{_TWO}"
)
_NAMING = (
    "sk for ", "peak to ", "peak with ", "igned by ", "igned, ", "nder the name ", "ooked under ", "ame on ", "ame's ",
    "eferred by ", "ayable to ", "egistered to ", "ssued to ", "ddressed to ", "illed to ",
)  # fmt: skip
_NAMING_CUE = re.compile(
    "[AaSsUuBbNnRrPpIi](?:sk for|peak|igned|nder the name|ooked under|ame on |ame's |eferred|ayable|egistered|ssued"
    "|ddressed|illed)"
)
_RELATED = re.compile(
    r"(?:[Gg]uardian|[Bb]rother|[Ss]ister|[Mm]other|[Ff]ather|[Hh]usband|[Ww]ife|[Ss]on|[Dd]aughter|[Pp]artner|[Ll]andlord"
    rf"|[Cc]ontact),? (?:{_TITLE} )?{_TWO}(?=,? (?:\+[0-9]{{2}}|\([0-9]{{3}}\)"
    r"|(?:home |cell |mobile |work |office |direct )?(?:phone|cell|tel|mobile|number|address|e-?mail)(?![A-Za-z])))"
)
_RELATED_CUE = re.compile(
    "[GgBbSsMmFfHhWwDdPpLlCc](?:uardian|rother|ister|other|ather|usband|ife|on|aughter|artner|andlord|ontact)"
    ",? [A-Z\u00c0-\u00de]"
)
_LONG_NUMBER = re.compile("[0-9]{3}")
_SERVING = re.compile(
    r"(?:[Mm]y|[Oo]ur|[Yy]our) (?:agent|rep|representative|case manager|account manager|driver|courier|technician"
    rf"|receptionist|nurse|tutor|landlord), {_TWO}(?=,)"
)
_SERVICES = (
    "agent, ", "rep, ", "entative, ", "nt manager, ", "se manager, ", "river, ", "ourier, ", "nician, ", "tionist, ",
    "nurse, ", "tutor, ", "landlord, ",
)  # fmt: skip
_SERVING_CUE = re.compile("[MmOoYy](?:y|ur|our) [acdrntl]")
_SENDING = re.compile(
    rf"(?:(?<![0-9A-Za-z,;] )(?<![0-9A-Za-z])|(?<=by )|(?<=om )|(?<=to )){_TWO} <(?=[^<>\s@]{{1,64}}@)"
)
"""With an address in brackets, as heads of messages have it."""
_BEING_ONE = re.compile(
    rf"(?<![A-Za-z])(?:(?:I am|I'm|I’m) {_TWO}(?=[.,;?]|\s*$|\n| (?:from|here|with|at|in) | \(| [-–—] )"
    rf"|(?<![a-z,] )This is {_TWO}(?=\.(?:\s|$)|\s*$|\n|, your | (?:from|here|with|calling|speaking)(?![A-Za-z])))"
)
_BEING_CUE = re.compile("I(?: am|['’]m) [A-Z\u00c0-\u00de]|This is [A-Z\u00c0-\u00de]")
_SPEAKING = re.compile(rf"his is (?:{_TITLE} )?{_ENGLISH}(?: (?:speaking|calling|here|from)|, your)(?![A-Za-z])")
_GREETED = re.compile(rf"{_SENTENCE}(?:Dear|Hi|Hello|Hey)\s+(?:{_TITLE} )?{_ENGLISH}\s*(?:[,，:：]|\n|$)")
_GREETING = re.compile(r"(?:Dear|Hi|Hello|Hey)\s")
_ON_A_LINE = re.compile(rf"\n\s{{0,40}}+(?:[-–—]+\s*)?(?:{_ENGLISH}\s*(?:$|\n|[.,;(|]|[-–—] )|{_TWO}!)")
_ENDINGS = (
    "regards", "Regards", "incerely", "incerely yours", "ours", "ours truly", "ours faithfully", "heers", "best",
    "Best", "est wishes", "espectfully", "hanks", "hank you",
)  # fmt: skip
"""What a letter ends with, on the line before the name."""
_ENTITLED = re.compile(rf"(?<![0-9A-Za-z]){_TITLE} {_ENGLISH}")
_AS_WORDS = re.compile(
    r"^[A-Z][a-z]+ing |(?:^| )(?:Not|So|Very|The|A|An|All|Just"
    r"|Now|Here|Your|My|Our|No|Too|Still|Happy|Sad|Sorry|Sure|Legend|New|Great|Good|Best|Bad"
    r"|Puerto|African|Asian|American|British|Chinese|English|French|German|Italian|Japanese|Indian"
    r"|Movie|Film|Show|Story|Man|Woman|Girl|Boy|King|Queen"
    r"|York|England|America|China|India|Angeles|Pictures|Entertainment|Television|Christmas|Gonna|Curious|Value|Team|Service)"
    r"(?: |$)"
)
"""Words of titles and of cries: `I'm Not Sure`, `This is Great Value`."""
_NO_NAMES = (
    "God Lord Santa Sir Madam Sirs All Team Everyone Everybody Folks Friend Friends Customer Customers "
    "Colleague Colleagues Diary Editor Reader Readers Guest User Users Support Service There Again World Mom "
    "Dad Mother Father Sales Hiring Manager Committee Unknown None Anonymous Not The This That My Your Our "
    "Billing Accounts Accounting Finance Legal Returns Shipping Marketing Reception Urgent "
    "Hello Hi Dear Thanks Please Yes No We You It"
)
_NOBODY = frozenset(_NO_NAMES.split())


def names(text: str, *, titles: bool) -> Places:
    """Yield names that a text announces, in a form or a letter; with `titles` also those beside Mr. or 先生."""
    if not text.isascii() and _HAN_THERE.search(text):
        yield from _chinese(text, titles=titles)
    for match in _english(text, titles=titles):
        group = match.lastindex or 1
        if match[group].split()[0] not in _NOBODY:
            yield match.span(group)
    yield from (place for place in names_by_part(text) if text[slice(*place)].split()[0] not in _NOBODY)


def _english(text: str, *, titles: bool) -> Iterator[re.Match[str]]:
    """Yield matches whose last group may be a name. What begins with a fixed text is fast."""
    for match in _NAMED.finditer(text):
        if text[max(0, match.start() - 11) : match.start()].endswith(_WHOSE):
            yield match
    for match in _ON_A_LINE.finditer(text):
        if text[max(0, match.start() - 24) : match.start()].rstrip(" ,，").endswith(_ENDINGS):
            yield match
    yield from _SPEAKING.finditer(text)
    yield from begun(_CALLED, _CALLING, text)
    yield from _fields(text)
    yield from _beside(text)
    if any(words in text for words in _NAMING):
        yield from begun(_NAMED_BY, _NAMING_CUE, text)
    being = begun(_BEING_ONE, _BEING_CUE, text)
    yield from (match for match in being if not _AS_WORDS.search(match[match.lastindex or 1]))
    yield from begun(_GREETED, _GREETING, text)
    if titles:
        yield from _ENTITLED.finditer(text)


def _beside(text: str) -> Iterator[re.Match[str]]:
    """Yield people that a number, an address of mail or their service stands beside."""
    if "@" in text or _LONG_NUMBER.search(text):
        yield from begun(_RELATED, _RELATED_CUE, text)
    if any(words in text for words in _SERVICES):
        yield from begun(_SERVING, _SERVING_CUE, text)
    if "@" in text and " <" in text:
        yield from (match for match in _SENDING.finditer(text) if not _FIRMS.search(match[1]))


def _fields(text: str) -> Iterator[re.Match[str]]:
    """Yield fields for a name with a name alone in them: one word is not followed by another one."""
    for colon in _COLON.finditer(text):
        start = colon.start() - text[colon.start() - 1 : colon.start()].isspace()
        place = max(0, start - _LONGEST_CUE), start
        is_part = _PART_CUE.search(text, *place) is not None
        if not is_part and not _FIELD_CUE.search(text, *place):
            continue
        match = _FIELD.match(text, start)
        if match and is_part and (" " not in match[1] or _FIRMS.search(match[1])):
            continue
        if match and (" " in match[1] or re.match(" [a-z]", text[match.end() : match.end() + 2]) is None):
            yield match


def _chinese(text: str, *, titles: bool) -> Places:
    for pattern, words in _PATTERNS:
        if not any(word in text for word in words):
            continue
        for match in begun(pattern, _ANNOUNCING, text) if pattern is _ANNOUNCED else pattern.finditer(text):
            is_named = match[1] or pattern is not _ANNOUNCED or is_surname(match[2])
            if is_named and (length := name_length(match[2])):
                yield match.start(2), match.start(2) + length
    yield from names_beside(text)
    yield from names_by_role(text)
    if titles:
        yield from (match.span(1) for match in _TITLED.finditer(text))
