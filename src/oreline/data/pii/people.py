"""Names of people by the words around them, in Chinese and English. What a text does not announce, a model has to find.

The surnames are those of more than a million people in China's seventh census (Ministry of Public Security, 2021), and
compound ones.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from oreline.data.pii.spans import Places

_SINGLE = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石"
    "金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严欧莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁"
    "岳翟殷詹申耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷曲盛冉翁蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时"
    "穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明"
    "佘池查麻苑迟邝谌萧傅阎丘"
)
_COMPOUND = "欧阳|上官|司马|诸葛|夏侯|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|司徒|端木|东方|南宫|独孤|呼延|轩辕"
_ALSO_WORDS = "和向连全时从成单关应于安何常易平"
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
_TITLED = re.compile(
    rf"((?![{_ALSO_WORDS}]){_SURNAME}{_HAN}{{0,2}}?)(?:先生|女士|小姐|经理|老师|医生|大夫|主任|教授|律师|师傅|总监|局长|院长)"
)
_AFTER_NAME = re.compile(
    r"先生|女士|小姐|电话|手机|身份|地址|联系|您好|你好|同学|老师|经理|的|和|与|及|已|在|是|说|于|想|要|来自|今年"
)

_TITLE = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Madam)\.?"
_WORD = r"[A-Z](?:[a-z\u00df-\u00ff]+|['’][A-Z][a-z]+)(?:(?:['’-]?[A-Z])?[a-z\u00df-\u00ff]+)*"
_ENGLISH = rf"({_WORD}(?: (?:[A-Z]\.|{_WORD}|(?:van|von|de|del|der|bin|al) {_WORD})){{0,3}})"
_FIRST = r"(?<![0-9A-Za-z])(?<![0-9A-Za-z,;] )"
"""Not in the middle of a sentence: a file name or a product's is nobody's."""
_INTRODUCED = re.compile(
    rf"(?:(?:[Mm]y|[Hh]is|[Hh]er|customer's|[Ff]ull) name is|[Ii](?: am|'m) called|[Cc]all me|{_FIRST}(?:Full [Nn]ame"
    rf"|Name|Contact(?: [Pp]erson)?"
    rf"|Customer|Patient|Attn|Attention|Recipient|Signed(?: by)?|Cardholder"
    rf"|Employee)\s*[:：])\s*(?:{_TITLE} )?{_ENGLISH}"
)
_SPEAKING = re.compile(rf"[Tt]his is (?:{_TITLE} )?{_ENGLISH} (?:speaking|calling|here|from)\b")
_GREETED = re.compile(rf"{_FIRST}(?:Dear|Hi|Hello|Hey)\s+(?:{_TITLE} )?{_ENGLISH}\s*(?:[,，:：]|\n|$)")
_SIGNED = re.compile(
    r"(?:[Rr]egards|[Ss]incerely(?: yours)?|[Yy]ours(?: truly| faithfully| sincerely)?|[Cc]heers|[Bb]est(?: wishes)?"
    r"|[Rr]espectfully|[Tt]hanks|[Tt]hank you)"
    rf"\s*[,，]?\s*\n\s*(?:[-–—]+\s*)?{_ENGLISH}\s*(?:$|\n|[.!]|,)"
)
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
    patterns = [_INTRODUCED, _SPEAKING, _GREETED, _SIGNED, *([_ENTITLED] if titles else [])]
    for pattern in patterns:
        for match in pattern.finditer(text):
            if match[1].split()[0] not in _NOBODY:
                yield match.span(1)


def _chinese(text: str, *, titles: bool) -> Places:
    for pattern in (_ANNOUNCED, _SPOKEN):
        for match in pattern.finditer(text):
            if (match[1] or match[2][0] not in _ALSO_WORDS) and (length := _length(match[2])):
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
