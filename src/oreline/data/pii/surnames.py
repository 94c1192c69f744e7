"""Chinese surnames, and how far the name goes that begins with one.

The surnames are some 300 common ones, written down for this module, compound ones, and the others of the Hundred Family
Surnames (百家姓), which count only where all of a value looks like a name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

SINGLE = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢"
    "姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严欧莫孔向"
    "汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季"
    "裴霍涂成苗谷曲盛冉翁蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚"
    "岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟"
    "邝谌萧傅阎丘赖洪辜晋畅廉奚燕邸冀谈屠郜郁宇鄢竺冼楚栗匡鞠荆胥蔺骆狄芮厉荀裘嵇钮阚湛茅邰戎储郗禹阙"
)
_COMPOUND = (
    "欧阳|上官|司马|诸葛|夏侯|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|司徒|端木|东方|南宫|独孤|呼延|轩辕|闻人|鲜于|濮阳|司空|淳于|澹台"
    "|赫连|公冶|申屠|钟离|仲孙|万俟|拓跋|闾丘|宗政"
)
_RARE = (
    "水云昌凤花酆乐皮元和贝计伏支昝经干宣贲杭诸滑羊於惠家封羿汲糜松井富乌巴弓牧隗山宓蓬班仰秋伊暴钭祖束幸韶蓟薄印宿"
    "怀鄂索咸籍阴能苍双闻莘贡劳逄扶堵宰郦雍却璩濮寿通扈郏浦别充慕茹习宦鱼容慎戈庾终暨居衡步都满弘国广禄东殳沃利蔚越夔"
    "隆厍晁勾融訾那空毋乜养须丰巢蒯相后红权逯盖益桓公强危法汝钦缑亢况帅墨哈谯笪年爱言福仉督"
)
ALSO_WORDS = "向连全时从成单关应于安何常易平"
"""Surnames that are words as well: after `联系人` and no colon they begin no name."""
HAN = r"[\u4e00-\u9fff]"
SURNAME = rf"(?:{_COMPOUND}|[{SINGLE}])"
FIRST_OF_NAME = f"[{SINGLE}{_RARE}{''.join(name[0] for name in _COMPOUND.split('|'))}]"
"""What any surname begins with, as one class: fast in Rust."""
ANY_SURNAME = rf"(?:{_COMPOUND}|[{SINGLE}{_RARE}])"
"""The rare ones too, many of which are words."""
_AFTER_NAME = re.compile(
    r"先生|女士|小姐|电话|手机|身份|地址|联系|您好|你好|同学|老师|经理|签收|亲收|收$|的|和|与|及|已|在|是|说|于|想|要|来自|今年"
)
_COMMON = 100
"""How often jieba's dictionary has counted a word that is no name."""
_COMMON_GIVEN = 500
"""Likewise of words that people are called: 建军, 天明, 国庆."""
_NEVER_GIVEN = re.compile(
    "[的了着过是我你他她它在不有没就很也都吗呢吧啊呀这那么哪谁可以能会要去来说看买卖给被把让为而与及等按凭]"
)
"""What no given name has: the words of a sentence."""


_NEWER_WORDS = (
    "高清",
    "白屏",
    "蓝屏",
    "花屏",
    "包邮",
    "安卓",
    "马克",
    "全网",
    "单反",
    "温控",
    "钱款",
    "金额",
    "师傅",
    "师父",
)
"""Of shops and machines, which jieba's dictionary does not have or has rarely."""


def name_length(run: str) -> int:
    """Return how many characters of a run of Chinese characters are a name; 0 where none are.

    A name is a surname and one or two characters. Where the text goes on, a word that begins there ends it.
    """
    if "·" in run:
        return len(run)
    first = 2 if re.match(_COMPOUND, run) else 1
    longest = min(len(run), first + 2)
    if len(run) < first + 1 or is_word(run, first):
        return 0
    for end in range(first + 1, longest + 1):
        if _AFTER_NAME.match(run, end):
            return end
    if len(run) <= longest:
        return longest
    early, late = (_weight(run, end) for end in (first + 1, longest))
    return first + 1 if early > late else longest


def is_surname(run: str) -> bool:
    """Whether a run that no colon announces begins with a surname: one that is a word as well needs an end after it."""
    return run[0] not in ALSO_WORDS or len(run) <= 3 or any(_AFTER_NAME.match(run, end) for end in (2, 3))


def is_word(run: str, first: int) -> bool:
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


def is_name(value: str) -> bool:
    """Whether all of a value can be a name where little announces it: no word, and none begins or ends it.

    >>> is_name("骆永红"), is_name("高清屏"), is_name("马上"), is_name("包的好"), is_name("谢谢")
    (True, False, False, False, False)
    """
    first = 2 if re.match(_COMPOUND, value) else 1
    given = value[first:]
    if not given or value[0] == value[1] or value.startswith(_NEWER_WORDS) or _NEVER_GIVEN.search(given):
        return False
    if _words().get(given, 0) >= _COMMON_GIVEN:
        return False
    return not any(_words().get(part, 0) >= _COMMON for part in (value, value[:2] if first == 1 else ""))
