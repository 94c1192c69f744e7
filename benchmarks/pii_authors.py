# ruff: noqa: E501 -- rows of tables stay on one line
"""Two sets of sentences with private data by authors who had not read the detectors: `second_author` and `third_author`.

Both were written on 2026-11-27, before their author looked at any pattern of `oreline/data/pii`, from how people write in
shops' chats, forums, tickets and forms. `second_author` was measured, its misses were read and mended; `third_author` was
put away meanwhile and measured once, after that. The sentences are in `pii_sentences.toml`: an opener, a core with the
value, a closer (`glued` to the value, or `apart` by a mark where nothing else says where a name ends), some
hundreds to thousands of combinations for each kind and language. Near misses are numbers of no kind (`any`) and whole
sentences with a cue word and nothing behind it.

Numbers with a specification are made in `pii_texts.py`; accounts, addresses and names here.
"""

from __future__ import annotations

import functools
import string
import tomllib
from pathlib import Path
from random import Random
from typing import Any

import pii_texts
from pii_texts import DIGITS, PLAIN, Text, digits

AUTHORS = ("second_author", "third_author")

_HANDLES = [
    "xiaoyu", "lele", "amy", "zhaoyang", "dabai", "kevin", "mumu", "tiantian", "haoche", "momo", "laowang", "sunny", "jojo",
    "huahua", "panda", "linlin", "fengzi", "coffee", "baobao", "studio", "ahao", "nini", "maizi", "yun",
]  # fmt: skip
_SURNAMES = [*"钱孔白崔康毛邱秦江史顾侯邵孟龙万段雷汤尹黎易常武乔贺赖龚文", "欧阳", "上官", "诸葛", "司马"]
_GIVEN = "嘉俊彦博瑶倩颖蕾鑫鹏斌波辉凤兰春梅建军志强晨曦语桐奕辰可馨亦菲若彤睿泽洋彬"
_FIRST = [
    "Priya", "Olumide", "Hannah", "Giorgio", "Mei", "Tomasz", "Beatriz", "Callum", "Noor", "Svetlana", "Diego", "Ingrid", "Kwame",
    "Yuki", "Rosalind", "Pádraig", "Léa", "Mohammed", "Mary-Ann", "Trevor",
]  # fmt: skip
_LAST = [
    "Raman", "Adeyemi", "Whitfield", "Moretti", "Kowalski", "Duarte", "McAllister", "Haddad", "Petrova", "Castillo", "Lindqvist",
    "Mensah", "Tanaka", "O'Rourke", "Fontaine", "Al-Sayed", "Van der Berg", "Hughes", "St. Clair", "Okonkwo",
]  # fmt: skip
_REGIONS = [
    "湖南省长沙市岳麓区", "河南省周口市太康县", "福建省厦门市思明区", "辽宁省大连市沙河口区", "重庆市渝北区", "天津市南开区",
    "广州市天河区", "杭州余杭区", "深圳市龙岗区", "山东青岛市市北区", "内蒙古自治区呼和浩特市赛罕区", "贵州省遵义市汇川区", "武汉洪山区",
]  # fmt: skip
_ROADS = [
    "麓谷大道",
    "体育西路",
    "珞喻路",
    "香港中路",
    "湖滨南路",
    "学府街",
    "红旗东路",
    "金开大道",
    "鞍山西道",
    "龙翔大道",
]
_TOWNS = ["五常街道", "布吉街道", "王集乡", "回龙镇", "人和街道", "桃花坪镇", "城关镇"]
_HOMES = [
    "翠湖花园",
    "金色家园",
    "长龙小区",
    "西溪北苑",
    "万科城市之光",
    "阳光100",
    "维多利广场",
    "财智大厦",
    "锦绣华庭",
    "幸福里",
]
_STREETS = [
    "Birchwood Lane", "Harbor Blvd", "W 42nd St", "Kingsway", "Wattle Street", "Mill Road", "Sunset Ave", "Park Crescent",
    "Old Post Rd", "S Wabash Avenue", "Cherry Hill Drive", "Queen's Gate", "Martin Luther King Jr. Blvd", "Orchard Court",
]  # fmt: skip
_CITIES = [
    "Long Beach, CA",
    "Boise, ID",
    "New York, NY",
    "Eugene, OR",
    "Baton Rouge, LA",
    "St. Paul, MN",
    "Raleigh, NC",
]
_POSTCODES = [
    "London WC2B 6AA",
    "Leeds LS8 1DH",
    "Cardiff CF10 3AT",
    "Newtown NSW 2042",
    "Dublin 8",
    "Toronto, ON M5V 2T6",
]


def make(number: int, *, seed: int, frames: str) -> list[Text]:
    """Return so many texts of one author's sentences; the same for the same seed."""
    rng = Random(f"{frames}:{seed}")
    return [_text(rng, _sentences()[frames], rng.choice(("zh", "en"))) for _ in range(number)]


@functools.cache
def _sentences() -> dict[str, Any]:
    file = Path(__file__).with_name("pii_sentences.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _text(rng: Random, author: dict[str, Any], language: str) -> Text:
    frames, near = author[language], author[f"near_{language}"]
    made = Text("")
    for _ in range(rng.randint(1, 3)):
        if rng.random() < 0.65:
            _add_value(made, rng, frames, language)
        elif rng.random() < 0.5:
            kind = rng.choice(list(PLAIN))
            opener, closer = rng.choice(frames["openers"]), rng.choice(frames["glued"])
            _add(made, f"{opener}{rng.choice(near['any'])}{closer}", PLAIN[kind](rng), kind, made.near)
        else:
            made.text += rng.choice(frames["openers"]) + rng.choice(near["whole"])
        if made.text[-1:] not in "\n。.!！?":
            made.text += rng.choice(["。", "\n"] if language == "zh" else [". ", "\n"])
        elif language == "en" and not made.text.endswith("\n"):
            made.text += " "
    return made


def _add_value(made: Text, rng: Random, frames: dict[str, Any], language: str) -> None:
    """Add a sentence with a value of any kind."""
    kind = rng.choice(pii_texts.KINDS)
    is_password = kind == "secret" and rng.random() < 0.4
    core = rng.choice(frames["password" if is_password else kind])
    value = pii_texts.password(rng) if is_password else _value(kind, rng, language)
    closer = rng.choice(frames["apart" if kind == "name" else "glued"])
    if not core.endswith("{}") and core[-1:] in "，,。":
        closer = ""
    _add(made, f"{rng.choice(frames['openers'])}{core}{closer}", value, kind, made.spans)


def _add(made: Text, frame: str, value: str, kind: str, spans: list[tuple[int, int, str]]) -> None:
    before, _, after = frame.partition("{}")
    start = len(made.text) + len(before)
    made.text += before + value + after
    spans.append((start, start + len(value), kind))


def _value(kind: str, rng: Random, language: str) -> str:
    if kind in ("name", "address"):
        return _MAKE[kind, language](rng)
    if kind in ("wechat", "qq"):
        return {"wechat": wechat, "qq": qq}[kind](rng)
    return pii_texts.MAKE[kind](rng)


def wechat(rng: Random) -> str:
    """Return an account: 6 to 20 letters, digits, `_` and `-`, beginning with a letter."""
    word, other = rng.choice(_HANDLES), rng.choice(_HANDLES)
    forms = [
        f"{word}{digits(rng, 4)}", f"{word}_{digits(rng, 3)}", f"{word}-{other}", f"{word.title()}{other.title()}{digits(rng, 2)}",
        "wxid_" + "".join(rng.choices(string.ascii_lowercase + DIGITS, k=14)), f"{word}{other}", f"{word[0]}{digits(rng, 7)}",
        f"{word}_{other}_{digits(rng, 2)}",
    ]  # fmt: skip
    account = rng.choice(forms)
    return account if 6 <= len(account) <= 20 else wechat(rng)


def qq(rng: Random) -> str:
    """Return a number of 5 to 11 digits; most have 8 to 10."""
    return rng.choice("123456789") + digits(rng, rng.choice((4, 5, 6, 7, 7, 8, 8, 8, 9, 9)))


def name_zh(rng: Random) -> str:
    """Return a surname of one or two characters with one or two of a given name."""
    return rng.choice(_SURNAMES) + "".join(rng.sample(_GIVEN, rng.choice((1, 2, 2))))


def name_en(rng: Random) -> str:
    """Return a given name and a surname, sometimes with an initial between them."""
    initial = rng.choice(["", "", "", f" {rng.choice(string.ascii_uppercase)}."])
    return f"{rng.choice(_FIRST)}{initial} {rng.choice(_LAST)}"


def address_zh(rng: Random) -> str:
    """Return a place in a town, a village or a housing estate."""
    region, road, town, home = (rng.choice(some) for some in (_REGIONS, _ROADS, _TOWNS, _HOMES))
    number, block, room = rng.randint(1, 600), rng.randint(1, 30), rng.randint(1, 29) * 100 + rng.randint(1, 8)
    return rng.choice([
        f"{region}{road}{number}号{home}{block}栋{rng.randint(1, 4)}单元{room}室", f"{region}{town}{home}{block}幢{room}",
        f"{region}{town}{rng.choice('李赵张')}庄村{rng.randint(1, 15)}组{number}号", f"{region}{road}{number}号{home}",
        f"{region}{road}{number}号", f"{region}{town}{home}{rng.randint(1, 9)}巷{block}号{room}",
        f"{region}{home}{block}号楼{rng.randint(1, 4)}单元{room}", f"{region}{road}{number}号{home}{rng.choice('ABC')}座{room}室",
    ])  # fmt: skip


def address_en(rng: Random) -> str:
    """Return a street address of the United States, Britain, Ireland, Australia or Canada."""
    number, street, city = rng.randint(1, 9999), rng.choice(_STREETS), rng.choice(_CITIES)
    code, unit = f"{rng.randint(10000, 99999)}", f"{rng.randint(1, 40)}{rng.choice('ABCF')}"
    return rng.choice([
        f"{number} {street}, {city} {code}", f"{number} {street} Apt {unit}, {city} {code}", f"{number} {street} #{unit}, {city} {code}",
        f"{number} {street}, Apt {unit}, {city} {code}", f"{number} {street}, Suite {rng.randint(100, 900)}, {city} {code}",
        f"P.O. Box {number}, {city} {code}", f"{rng.randint(1, 200)} {street}, {rng.choice(_POSTCODES)}",
        f"Flat {rng.randint(1, 30)}, {rng.randint(1, 200)} {street}, {rng.choice(_POSTCODES)}", f"{number} {street}, {city}",
    ])  # fmt: skip


_MAKE = {
    ("name", "zh"): name_zh, ("name", "en"): name_en, ("address", "zh"): address_zh, ("address", "en"): address_en,
}  # fmt: skip
