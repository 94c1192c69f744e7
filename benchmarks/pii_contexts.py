# ruff: noqa: E501 -- rows of tables stay on one line
"""A set of whole templates with private data by an author who had not read the detectors or the other sets: `fourth_author`.

Written on 2026-11-28 from how people write on delivery notes, at a hospital's desk, in school groups, logs, signatures,
complaints, visa forms and second-hand sales. Unlike the sets of `pii_authors.py`, whose sentences are put together from an
opener, a core and a closer, a template is one natural piece of text with as many values as it has places for. The templates
are in `pii_contexts.toml`; numbers with a specification are made in `pii_texts.py`; accounts, addresses and names here.

A text is one to three templates of one language, a third of them near misses: numbers of no kind and sentences about
private data without any.
"""

from __future__ import annotations

import functools
import re
import string
import tomllib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pii_texts
from pii_texts import DIGITS, PLAIN, Text, digits

AUTHORS = ("fourth_author",)

_PLACE = re.compile(r"\{(\w+)\}")
_SURNAMES = [*"蔡丁苗柳殷路骆庄樊凌霍陶蒋沈魏姜范金石谭廖熊陆郝邹敖柯岑", "司徒", "慕容", "夏侯"]
_GIVEN = "国庆红卫东秀珍桂芬少华永康凯旋佩雯诗涵一诺沐阳启航若曦雅琴宏达振宇丽萍晓彤"
_FIRST = [
    "Anselm", "Chidi", "Farah", "Gwendolyn", "Hiroshi", "Imogen", "Jakub", "Katya", "Lorenzo", "Maeve", "Nikhil", "Oscar",
    "Paolo", "Qiang", "Rebecca", "Siobhán", "Thandiwe", "Ursula", "Víctor", "Wendy", "Xiaoli", "Zainab", "Jean-Luc", "Dave",
]  # fmt: skip
_LAST = [
    "Abernathy", "Björk", "Chaudhry", "De Luca", "Eze", "Fitzgerald", "Grünwald", "Hoang", "Ibrahim", "Jensen", "Kim",
    "Lefebvre", "MacLeod", "Nakamura", "O'Brien", "Pereira", "Quispe", "Rossi", "Smythe-Jones", "Tran", "Ueda", "Vasquez",
    "Wójcik", "Zhou",
]  # fmt: skip
_CITIES = [
    "四川省成都市武侯区", "江苏省苏州市昆山市", "上海市浦东新区", "北京市朝阳区", "陕西省西安市雁塔区", "广东省佛山市顺德区",
    "浙江省金华市义乌市", "云南省昆明市五华区", "黑龙江省哈尔滨市南岗区", "广西南宁市青秀区", "合肥市蜀山区", "新疆乌鲁木齐市天山区",
]  # fmt: skip
_ROADS = ["科华北路", "张江路", "望京西路", "长江中路", "高新四路", "文昌街", "南湖大道", "民族大道", "稠州北路", "西大直街"]  # fmt: skip
_HOMES = ["丽景苑", "中海国际社区", "龙湖三千里", "师大家属院", "东方明珠公寓", "汇金大厦", "绿地世纪城", "机械厂宿舍"]  # fmt: skip
_STREETS = [
    "Willow Creek Road", "Main St", "Ashby Ave", "N Clark Street", "Garden Terrace", "Fairview Drive", "Chapel Walk", "Elm Ct",
    "Riverside Way", "Hawthorne Blvd", "3rd Avenue", "Station Road", "Victoria Square", "Copper Canyon Pkwy",
]  # fmt: skip
_TOWNS = ["Tucson, AZ", "Madison, WI", "Fort Worth, TX", "Providence, RI", "Salt Lake City, UT", "Omaha, NE"]
_ABROAD = ["Bristol BS1 4QA", "Edinburgh EH8 9YL", "Melbourne VIC 3000", "Vancouver, BC V6B 1A1", "Oxford OX1 2JD"]
_WORDS = ["anan", "orange", "xiaoming", "lucky", "coco", "shushu", "jiajia", "hello", "qiuqiu", "zz", "leo", "moon"]


def make(number: int, *, seed: int, frames: str) -> list[Text]:
    """Return so many texts; the same for the same seed."""
    rng = Random(f"{frames}:{seed}")
    return [_text(rng, frames, rng.choice(("zh", "en"))) for _ in range(number)]


@functools.cache
def _templates(frames: str) -> dict[str, list[str]]:
    file = Path(__file__).with_name("pii_contexts.toml")
    return dict(tomllib.loads(file.read_text(encoding="utf-8"))[frames])


@functools.cache
def _of_kind(frames: str, language: str, kind: str) -> list[str]:
    kinds = {kind, "password"} if kind == "secret" else {kind}
    return [one for one in _templates(frames)[language] if kinds & set(_PLACE.findall(one))]


def _text(rng: Random, frames: str, language: str) -> Text:
    made = Text("")
    for _ in range(rng.randint(1, 3)):
        if made.text:
            made.text += rng.choice(["\n", "\n", "" if made.text[-1] in "。！？，" else " "])
        if rng.random() < 0.65:
            _fill(made, rng.choice(_of_kind(frames, language, rng.choice(pii_texts.KINDS))), rng, language)
        else:
            _fill(made, rng.choice(_templates(frames)[f"near_{language}"]), rng, language)
    return made


def _fill(made: Text, template: str, rng: Random, language: str) -> None:
    """Add a template with its places filled."""
    for number, piece in enumerate(_PLACE.split(template)):
        if number % 2 == 0:
            made.text += piece
            continue
        kind = rng.choice(list(PLAIN)) if piece == "plain" else piece
        maker, spans = _maker(kind, made, language)
        start = len(made.text)
        made.text += maker(rng)
        spans.append((start, len(made.text), "secret" if kind == "password" else kind))


def _maker(kind: str, made: Text, language: str) -> tuple[Callable[[Random], str], list[tuple[int, int, str]]]:
    if kind in PLAIN:
        return PLAIN[kind], made.near
    if kind == "wrong_ssn":
        return pii_texts.wrong_ssn, made.near
    own = _MAKE.get(kind) or _MAKE.get(f"{kind}_{language}")
    return own or pii_texts.MAKE[kind], made.spans


def wechat(rng: Random) -> str:
    """Return an account: 6 to 20 letters, digits, `_` and `-`, beginning with a letter."""
    word, other = rng.choice(_WORDS), rng.choice(_WORDS)
    account = rng.choice([
        f"{word}{rng.randint(1975, 2012)}", f"{word}{other}", f"{other[0]}{word}_{digits(rng, 2)}", f"{word}-{digits(rng, 5)}",
        f"{word.upper()}{digits(rng, 4)}", f"wxid_{''.join(rng.choices(string.ascii_lowercase + DIGITS, k=13))}",
        f"{rng.choice('abcdefghijklmnopqrstuvwxyz')}{digits(rng, 8)}",
    ])  # fmt: skip
    return account if 6 <= len(account) <= 20 else wechat(rng)


def qq(rng: Random) -> str:
    """Return a number of 6 to 10 digits."""
    return rng.choice("123456789") + digits(rng, rng.choice((5, 7, 8, 8, 9, 9)))


def name_zh(rng: Random) -> str:
    """Return a surname of one or two characters with one or two of a given name."""
    return rng.choice(_SURNAMES) + "".join(rng.sample(_GIVEN, rng.choice((1, 2, 2, 2))))


def name_en(rng: Random) -> str:
    """Return a given name and a surname, sometimes with an initial between them."""
    return (
        f"{rng.choice(_FIRST)}{rng.choice(['', '', '', '', ' ' + rng.choice('ABDEJKLMRST') + '.'])} {rng.choice(_LAST)}"
    )


def address_zh(rng: Random) -> str:
    """Return a place in a city or a village."""
    city, road, home = rng.choice(_CITIES), rng.choice(_ROADS), rng.choice(_HOMES)
    number, block, room = rng.randint(1, 900), rng.randint(1, 26), rng.randint(1, 32) * 100 + rng.randint(1, 6)
    return rng.choice([
        f"{city}{road}{number}号", f"{city}{road}{number}号{home}{block}栋{room}", f"{city}{home}{block}号楼{rng.randint(1, 3)}单元{room}室",
        f"{city}{road}{number}弄{block}号{room}室", f"{city}{road}与{rng.choice(_ROADS)}交叉口{home}{block}栋", f"{city}{road}{number}号{home}{room}室",
        f"{city}{rng.choice('沙河马塘')}{rng.choice('坪桥店')}镇{rng.choice('东西上下')}{rng.choice('湾岭沟')}村{block}号",
    ])  # fmt: skip


def address_en(rng: Random) -> str:
    """Return a street address of the United States, Britain, Australia or Canada."""
    number, street, town, code = (
        rng.randint(1, 4999),
        rng.choice(_STREETS),
        rng.choice(_TOWNS),
        rng.randint(10000, 99999),
    )
    return rng.choice([
        f"{number} {street}, {town} {code}", f"{number} {street}, Unit {rng.randint(1, 40)}, {town} {code}",
        f"{number} {street} Apt. {rng.randint(1, 30)}{rng.choice('ABD')}, {town} {code}", f"{number} {street}, {town}",
        f"{rng.randint(1, 150)} {street}, {rng.choice(_ABROAD)}", f"Flat {rng.randint(1, 20)}, {rng.randint(1, 150)} {street}, {rng.choice(_ABROAD)}",
        f"{rng.randint(1, 20)}/{rng.randint(1, 150)} {street}, Melbourne VIC 3000", f"PO Box {number}, {town} {code}",
    ])  # fmt: skip


_MAKE: dict[str, Callable[[Random], str]] = {
    "wechat": wechat, "qq": qq, "name_zh": name_zh, "name_en": name_en, "address_zh": address_zh, "address_en": address_en,
    "password": pii_texts.password,
}  # fmt: skip
