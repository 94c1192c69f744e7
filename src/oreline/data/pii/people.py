"""Names of people by the words around them, in Chinese and English. What a text does not announce, a model has to find.

The surnames are some 300 common ones, written down for this module, and compound ones; a rarer one is not known.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping

from oreline.data.pii.spans import Places

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
_SURNAME = rf"(?:{_COMPOUND}|[{_SINGLE}])"
_NAME = rf"({_SURNAME}{_HAN}{{1,6}}|{_HAN}{{2,6}}·{_HAN}{{2,6}})"
_ANNOUNCED = re.compile(
    r"(?:联系人|姓\s*名|收件人|收货人|寄件人|发件人|申请人|签收人|经办人|负责人|委托人|受益人|投保人|被保险人|承租人"
    r"|出租人|法定代表人|法人代表"
    r"|持卡人|开户人|户\s*名|户主|患者|病人|乘车人|乘客|入住人|订票人|订餐人|下单人|报名人|监护人|家长姓名|署名|签名"
    r"|真名|名字)"
    rf"(?:姓名|名字|名称)?\s*([:：=]|是|为|叫)?\s*{_NAME}"
)
_SPOKEN = re.compile(rf"(?:我叫|我的名字是|我名叫|本人姓名|名叫|本人(?![的是在已对有]))\s*([:：])?\s*{_NAME}")
_BEING = re.compile(rf"(?:我是|我就是)()((?![向连全时从成单关应于白]){_SURNAME}{_HAN}{{1,2}})(?=[,，。!！;；\s]|$)")
_TITLED = re.compile(
    rf"((?![{_ALSO_WORDS}]){_SURNAME}{_HAN}{{0,2}}?)(?:先生|女士|小姐|经理|老师|医生|大夫|主任|教授|律师|师傅|总监"
    rf"|局长|院长)"
)
_AFTER_NAME = re.compile(
    r"先生|女士|小姐|电话|手机|身份|地址|联系|您好|你好|同学|老师|经理|的|和|与|及|已|在|是|说|于|想|要|来自|今年"
)

_TITLE = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Madam)\.?"
_WORD = r"[A-Z](?=[a-z\u00df-\u00ff'’])(?:(?:['’](?!s(?![a-z]))|-)?[A-Za-z\u00df-\u00ff]){1,30}+"
_ENGLISH = rf"({_WORD}(?: (?:[A-Z]\.|{_WORD}|(?:van|von|de|del|der|bin|al) {_WORD})){{0,3}})"
_FIRST = r"(?<![0-9A-Za-z])(?<![0-9A-Za-z,;] )"
"""Not in the middle of a sentence: a file name or a product's is nobody's."""
_NAMED = re.compile(rf"name is (?:{_TITLE} )?{_ENGLISH}")
_WHOSE = ("my ", "My ", "his ", "His ", "her ", "Her ", "customer's ", "full ", "Full ")
_CALLED = re.compile(rf"(?:[Ii](?: am|'m) called|[Cc]all me)\s+(?:{_TITLE} )?{_ENGLISH}")
_FIELD = re.compile(
    rf"{_FIRST}(?:Full [Nn]ame|Name|Contact(?: [Pp]erson)?|Customer|Patient|Attn|Attention|Recipient|Signed(?: by)?"
    rf"|Cardholder|Employee)\s*[:：]\s*(?:{_TITLE} )?{_ENGLISH}"
)
_SPEAKING = re.compile(rf"his is (?:{_TITLE} )?{_ENGLISH} (?:speaking|calling|here|from)(?![A-Za-z])")
_GREETED = re.compile(rf"{_FIRST}(?:Dear|Hi|Hello|Hey)\s+(?:{_TITLE} )?{_ENGLISH}\s*(?:[,，:：]|\n|$)")
_ON_A_LINE = re.compile(rf"\n\s*(?:[-–—]+\s*)?{_ENGLISH}\s*(?:$|\n|[.!]|,)")
_ENDINGS = (
    "regards", "Regards", "incerely", "incerely yours", "ours", "ours truly", "ours faithfully", "heers", "best",
    "Best", "est wishes", "espectfully", "hanks", "hank you",
)  # fmt: skip
"""What a letter ends with, on the line before the name."""
_ENTITLED = re.compile(rf"(?<![0-9A-Za-z]){_TITLE} {_ENGLISH}")
_COMMON = 100
"""How often jieba's dictionary has counted a word that is no name."""
_NO_NAMES = (
    "God Lord Santa Sir Madam Sirs All Team Everyone Everybody Folks Friend Friends Customer Customers "
    "Colleague Colleagues Diary Editor Reader Readers Guest User Users Support Service There Again World Mom "
    "Dad Mother Father Sales Hiring Manager Committee Unknown None Anonymous Not The This That My Your Our "
    "Hello Hi Dear Thanks Please Yes No We You It"
)
_NOBODY = frozenset(_NO_NAMES.split())


def names(text: str, *, titles: bool) -> Places:
    """Yield names that a text announces, in a form or a letter; with `titles` also those beside Mr. or 先生."""
    yield from _chinese(text, titles=titles)
    for match in _english(text, titles=titles):
        if match[1].split()[0] not in _NOBODY:
            yield match.span(1)


def _english(text: str, *, titles: bool) -> Iterator[re.Match[str]]:
    """Yield matches whose first group may be a name. What begins with a fixed text is fast."""
    for match in _NAMED.finditer(text):
        if text[max(0, match.start() - 11) : match.start()].endswith(_WHOSE):
            yield match
    for match in _ON_A_LINE.finditer(text):
        if text[max(0, match.start() - 24) : match.start()].rstrip(" ,，").endswith(_ENDINGS):
            yield match
    yield from _SPEAKING.finditer(text)
    if "called " in text or "all me " in text:
        yield from _CALLED.finditer(text)
    if ":" in text or "：" in text:
        yield from _FIELD.finditer(text)
    if any(word in text for word in ("Dear", "Hi", "Hello", "Hey")):
        yield from _GREETED.finditer(text)
    if titles:
        yield from _ENTITLED.finditer(text)


def _chinese(text: str, *, titles: bool) -> Places:
    for pattern in (_ANNOUNCED, _SPOKEN, _BEING):
        for match in pattern.finditer(text):
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
    return run[0] not in _ALSO_WORDS or any(_AFTER_NAME.match(run, end) for end in (2, 3))


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
