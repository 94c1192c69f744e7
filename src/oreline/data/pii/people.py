"""Names of people by the words around them, in Chinese and English. What a text does not announce, a model has to find.

The surnames are some 300 common ones, written down for this module, and compound ones; a rarer one is not known.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping

from oreline.data.pii.spans import Places, begun

_SINGLE = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢"
    "姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严欧莫孔向"
    "汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季"
    "裴霍涂成苗谷曲盛冉翁蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚"
    "岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟"
    "邝谌萧傅阎丘赖洪辜晋畅廉奚燕邸冀谈屠郜郁宇鄢竺冼楚栗匡鞠荆胥蔺"
)
_COMPOUND = "欧阳|上官|司马|诸葛|夏侯|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|司徒|端木|东方|南宫|独孤|呼延|轩辕"
_ALSO_WORDS = "向连全时从成单关应于安何常易平"
"""Surnames that are words as well: after `联系人` and no colon they begin no name."""
_HAN = r"[\u4e00-\u9fff]"
_HAN_THERE = re.compile(_HAN)
_SURNAME = rf"(?:{_COMPOUND}|[{_SINGLE}])"
_NAME = rf"({_SURNAME}{_HAN}{{1,6}}|{_HAN}{{2,6}}·{_HAN}{{2,6}})"
_PARTIES = (
    "联系|收件|收货|寄件|发件|申请|签收|经办|负责|委托|受益|投保|被保险|承租|出租|预约|投诉|报名|下单|入住|乘车|订票"
    "|订餐|持卡|开户|监护|担保|证明|推荐|经手|参保|法定代表"
)
_ENTRIES = (
    r"法人代表?|姓\s*名|户\s*名|户主|患者|病人|乘客|家长签[字名]|署名|签[名字]|真名|名字|房东|租客|车主|机主|学员|考生"
)
_ANNOUNCED = re.compile(
    rf"(?:(?:{_PARTIES})人|{_ENTRIES})(?:姓名|名字|名称)?\s*([:：=]|是|为|叫|就?写(?:成|的是)?|改[成为])?\s*{_NAME}"
)
_ANNOUNCING = re.compile(f"[{''.join(part[0] for part in f'{_PARTIES}|{_ENTRIES}'.split('|'))}]")
"""What it begins with, to be found fast."""
_ROLE = re.compile(rf"(?<![\u4e00-\u9fff])[\u4e00-\u9fff]{{1,4}}人\s*([:：])\s*{_NAME}")
"""A form's field for a person of whatever part."""
_SPOKEN = re.compile(
    rf"(?:我叫|我的名字是|我名叫|本人姓名|名叫|病人叫|患者叫|本人叫|本人(?![的是在已对有叫]))\s*([:：])?\s*{_NAME}"
)
_BEING = re.compile(rf"(?:我是|我就是)()((?![向连全时从成单关应于白]){_SURNAME}{_HAN}{{1,2}})(?=[,，。!！;；\s]|$)")
_SENT_TO = re.compile(rf"(?:写|转)()((?![{_ALSO_WORDS}]){_SURNAME}{_HAN}{{1,2}}?)收(?![{_SINGLE}\u4e00-\u9fff])")
_ASKED_FOR = re.compile(
    rf"(?:转[交告给]|交给|请找|[帮替]我[找约]|联系(?:一下)?|通知|[让请约找])()"
    rf"({_SURNAME}{_HAN}{{1,2}}?)(?:先生|女士|小姐|经理|老师|医生|大夫|主任|教授|律师|师傅)"
)
"""With a title, and asked for: whoever is talked about (`张艺谋先生`) is not."""
_ADDRESSED = re.compile(rf"(?<![\u4e00-\u9fff])()({_SURNAME}{_HAN}{{1,2}}?)(?:先生|女士|小姐|经理|老师)[,，]?[您你]好")
_POLITE = ("先生", "女士", "小姐", "经理", "老师", "医生", "大夫", "主任", "教授", "律师", "师傅")
_PATTERNS = (
    (_ANNOUNCED, ("人", "名", "户主", "患者", "客", "法", "签", "房东", "车主", "机主", "学员", "考生")),
    (_ROLE, ("人：", "人:", "人 ：", "人 :")), (_SPOKEN, ("叫", "本人", "我的名字")), (_BEING, ("我是", "我就是")),
    (_SENT_TO, ("收",)), (_ASKED_FOR, _POLITE), (_ADDRESSED, _POLITE),
)  # fmt: skip
"""With words of which a text has one where the pattern can match: a look for a word is a tenth of the work."""
_TITLED = re.compile(
    rf"((?![{_ALSO_WORDS}]){_SURNAME}{_HAN}{{0,2}}?)(?:先生|女士|小姐|经理|老师|医生|大夫|主任|教授|律师|师傅|总监"
    rf"|局长|院长)"
)
_AFTER_NAME = re.compile(
    r"先生|女士|小姐|电话|手机|身份|地址|联系|您好|你好|同学|老师|经理|签收|亲收|收$|的|和|与|及|已|在|是|说|于|想|要|来自|今年"
)

_TITLE = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Madam)\.?"
_LETTER = "A-Za-z\u00c0-\u024f"
_WORD = rf"[A-Z\u00c0-\u00de](?=[a-z\u00df-\u024f'’])(?:(?:['’](?!(?:s|m|d|ll|ve|re)(?![a-z]))|-)?[{_LETTER}]){{1,30}}+"
_PARTICLE = "(?:[Vv][ao]n|[Dd]e|[Dd]el|[Dd]er|[Dd]a|[Dd]i|bin|[Aa]l|[Ee]l|la|le)"
_ENGLISH = rf"({_WORD}(?: (?:[A-Z]\.|St\. {_WORD}|(?:{_PARTICLE} ){{0,2}}{_WORD})){{0,3}})"
_TWO = rf"((?!{_TITLE} ){_WORD}(?: [A-Z]\.)?(?: (?:St\. {_WORD}|(?:{_PARTICLE} ){{0,2}}{_WORD})){{1,2}})"
"""A first name and another one at least: a word alone with a capital may be anything."""
_FIRST = r"(?<![0-9A-Za-z])(?<![0-9A-Za-z,;] )"
"""Not in the middle of a sentence: a file name or a product's is nobody's."""
_NAMED = re.compile(rf"name is (?:{_TITLE} )?{_ENGLISH}")
_WHOSE = ("my ", "My ", "his ", "His ", "her ", "Her ", "customer's ", "full ", "Full ")
_CALLED = re.compile(rf"(?:[Ii](?: am|'m) called|[Cc]all me)\s+(?:{_TITLE} )?{_ENGLISH}")
_CALLING = re.compile(r"[IiCc](?:(?: am|'m) called|all me)\s")
_SENTENCE = r"(?<![0-9A-Za-z])(?<![0-9A-Za-z] )"
_FIELD = re.compile(rf"\s?[:：]\s*(?:{_TITLE} )?{_ENGLISH}(?=\s*(?:[,，.。;；!！?？()（）|/\n]|$)| [-–—] | [a-z])")
"""Another field may follow (`Customer: Passport #`): a name ends its own."""
_FIELD_CUE = re.compile(
    rf"(?:{_SENTENCE}(?:Name|Contact|Customer(?: [Nn]ame)?|Employee|Signed)"
    rf"|(?<![A-Za-z])(?:[Ff]ull [Nn]ame|[Cc]ontact [Pp]erson|[Pp]atient(?: [Nn]ame)?|[Aa]ttn|[Aa]ttention|[Rr]ecipient"
    r"|[Ss]igned(?: by)?"
    rf"|(?:[Cc]ard|[Aa]ccount |[Pp]olicy ?)[Hh]older|[Pp]assenger|[Gg]uest [Nn]ame))$"
)
"""What a field for a name is called."""
_LONGEST_CUE = 16
_COLON = re.compile("[:：]")
_NAMED_BY = re.compile(
    rf"(?<![A-Za-z])(?:[Aa]sk for|[Ss]peak (?:to|with)|[Ss]igned by|[Uu]nder the name(?: of)?|[Bb]ooked under"
    r"|[Nn]ame on (?:the|my) "
    rf"(?:card|list|order|account|booking) is|[Nn]ame's|[Ss]igned,) (?:{_TITLE} )?{_TWO}"
)
_NAMING = (
    "sk for ", "peak to ", "peak with ", "igned by ", "igned, ", "nder the name ", "ooked under ", "ame on ", "ame's ",
)  # fmt: skip
_NAMING_CUE = re.compile("[AaSsUuBbNn](?:sk for|peak|igned|nder the name|ooked under|ame on |ame's )")
_BEING_ONE = re.compile(
    rf"(?<![A-Za-z])(?:(?:I am|I'm|I’m) {_TWO}(?=[.,;?]|\s*$|\n| (?:from|here|with|at|in) | \(| [-–—] )"
    rf"|(?<![a-z,] )This is {_TWO}(?=\.(?:\s|$)|\s*$|\n| (?:from|here|with|calling|speaking)(?![A-Za-z])))"
)
_BEING_CUE = re.compile("I(?: am|['’]m) [A-Z\u00c0-\u00de]|This is [A-Z\u00c0-\u00de]")
_SPEAKING = re.compile(rf"his is (?:{_TITLE} )?{_ENGLISH} (?:speaking|calling|here|from)(?![A-Za-z])")
_GREETED = re.compile(rf"{_SENTENCE}(?:Dear|Hi|Hello|Hey)\s+(?:{_TITLE} )?{_ENGLISH}\s*(?:[,，:：]|\n|$)")
_GREETING = re.compile(r"(?:Dear|Hi|Hello|Hey)\s")
_ON_A_LINE = re.compile(rf"\n\s*(?:[-–—]+\s*)?(?:{_ENGLISH}\s*(?:$|\n|[.,;(]|[-–—] )|{_TWO}!)")
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
_COMMON = 100
"""How often jieba's dictionary has counted a word that is no name."""
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
    if any(words in text for words in _NAMING):
        yield from begun(_NAMED_BY, _NAMING_CUE, text)
    being = begun(_BEING_ONE, _BEING_CUE, text)
    yield from (match for match in being if not _AS_WORDS.search(match[match.lastindex or 1]))
    yield from begun(_GREETED, _GREETING, text)
    if titles:
        yield from _ENTITLED.finditer(text)


def _fields(text: str) -> Iterator[re.Match[str]]:
    """Yield fields for a name with a name alone in them: one word is not followed by another one."""
    for colon in _COLON.finditer(text):
        start = colon.start() - text[colon.start() - 1 : colon.start()].isspace()
        if not _FIELD_CUE.search(text, max(0, start - _LONGEST_CUE), start):
            continue
        match = _FIELD.match(text, start)
        if match and (" " in match[1] or re.match(" [a-z]", text[match.end() : match.end() + 2]) is None):
            yield match


def _chinese(text: str, *, titles: bool) -> Places:
    for pattern, words in _PATTERNS:
        if not any(word in text for word in words):
            continue
        for match in begun(pattern, _ANNOUNCING, text) if pattern is _ANNOUNCED else pattern.finditer(text):
            is_named = match[1] or pattern is not _ANNOUNCED or _is_surname(match[2])
            if is_named and (length := _length(match[2])):
                yield match.start(2), match.start(2) + length
    if titles:
        yield from (match.span(1) for match in _TITLED.finditer(text))


def _length(run: str) -> int:
    """Return how many characters of a run of Chinese characters are a name; 0 where none are.

    A name is a surname and one or two characters. Where the text goes on, a word that begins there ends it.
    """
    if "·" in run:
        return len(run)
    first = 2 if re.match(_COMPOUND, run) else 1
    longest = min(len(run), first + 2)
    if len(run) < first + 1 or _is_word(run, first):
        return 0
    for end in range(first + 1, longest + 1):
        if _AFTER_NAME.match(run, end):
            return end
    if len(run) <= longest:
        return longest
    early, late = (_weight(run, end) for end in (first + 1, longest))
    return first + 1 if early > late else longest


def _is_surname(run: str) -> bool:
    """Whether a run that no colon announces begins with a surname: one that is a word as well needs an end after it."""
    return run[0] not in _ALSO_WORDS or len(run) <= 3 or any(_AFTER_NAME.match(run, end) for end in (2, 3))


def _is_word(run: str, first: int) -> bool:
    """Whether what begins with a surname is a common word: 高度, 安装, 白色. One as short as a name counts whole."""
    ends = [len(run)] if len(run) <= first + 2 else [first + 1, first + 2, first + 3]
    return any(_words().get(run[:end], 0) >= _COMMON for end in ends)


def _weight(run: str, start: int) -> int:
    """Return how common the longest word is that begins at a place."""
    return max((_words().get(run[start:end], 0) for end in (start + 2, start + 3) if end <= len(run)), default=0)


@functools.cache
def _words() -> Mapping[str, int]:
    """Return how common words are, from jieba's dictionary: those of two to four characters that are no names."""
    import jieba

    with jieba.get_module_res("dict.txt") as file:
        lines = file.read().decode("utf-8").splitlines()
    entries = (line.split(" ") for line in lines)
    return {word: int(count) for word, count, tag in entries if 2 <= len(word) <= 4 and not tag.startswith("nr")}
