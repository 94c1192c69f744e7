"""What emoji, emoticons of platforms (`[哈哈]`) and faces made of letters (`^_^`) look like, and what they are called.

Names of emoji are Unicode's own, from Python's `unicodedata`; the Chinese ones and the emoticons lie in `lists/`,
written for Oreline. Sequences (skin tones, joined families, flags) count as one emoji.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from pathlib import Path
from typing import Literal

_ALSO = "\u2639\u263a\u2665\u2764\u270c\u261d\u2763\u2600\u2601\u260e\u2602\u2603\u2708\u2709\u2744"
"""Shown as emoji on most platforms though Unicode's default for them is text (★ and ✓ are not)."""
_MODIFIERS = r"[\p{Emoji_Modifier}\x{fe0f}]*"
_PICTURE = r"[\p{Emoji}&&[^0-9#*]]"
EMOJI = (
    r"(?:\p{Regional_Indicator}{2}|[0-9#*]\x{fe0f}?\x{20e3}"
    rf"|(?:\p{{Emoji_Presentation}}|{_PICTURE}\x{{fe0f}}|[{_ALSO}]){_MODIFIERS}(?:\x{{200d}}{_PICTURE}{_MODIFIERS})*)"
)
"""A pattern of Rust's regular expressions for one emoji."""

KAOMOJI_SIGNS = (
    r"[:;=][-'^o]?[)(\]\[DPpO|/\\]|<3|[TQ][_.\-][TQ]|XD|>[_.]<|-_-|[oO][_.][oO]|\^[_.\-oO]?\^|[(（][^\n]{2,15}[)）]"
)
"""Rust's, for texts that may have a face made of letters; `without_kaomoji` is strict."""
_FACE = "\\^_><;=TQoO.\\-~～'`´｀・｡。ω∀▽≧≦╯╰°□︵┻━⊙￣ヮДдε♡♥◕‿•\u0300\u0301ˊˋ￢ﾟ*＊╥﹏'づつっノヽヾσΣ口益皿"
_STRONG = "[\\^_´｀・ω∀▽≧≦╯╰□⊙￣ヮДдε◕‿ˊˋ￢﹏╥]|>.<|T.T"
_KAOMOJI = re.compile(
    r"(?<![A-Za-z0-9_:/])(?:[:;=][-'^o]?(?:[)(\]\[|/\\]+|[DPpO])|<3+|T[_.\-]T|Q[_.\-]Q|XD(?!卡)|>[_.]<|-_-[|!]*"
    r"|[oO][_.][oO]|\^[_.\-oO]?\^)(?![A-Za-z0-9_/])"
    rf"|[ヾヽ╮o]?[(（] ?(?=[^()（）]*(?:{_STRONG}))[{_FACE}]{{3,15}} ?[)）]"
    r"(?:[ノっづつシψσ♪︵ ┻━╯╭]*[ノっづつシψσ♪┻━╯╭])?"
)


def without_kaomoji(text: str) -> str:
    """Return a text without faces made of letters and marks.

    >>> without_kaomoji("nice :-) 好的(≧▽≦) 10:30 (see a) http://a.com/x ^_^ 掀桌(╯°□°)╯︵ ┻━┻")
    'nice  好的 10:30 (see a) http://a.com/x  掀桌'
    """
    return _KAOMOJI.sub("", text)


def named(emoji: str, language: Literal["en", "zh"]) -> str:
    """Return an emoji in words.

    >>> named("😂", "zh"), named("👍🏽", "en"), named("🇨🇳", "en"), named("🦖", "zh")
    ('[笑哭]', ':thumbs_up_sign:', ':flag_cn:', ':t_rex:')
    """
    plain = "".join(character for character in emoji if not _is_modifier(character))
    if language == "zh" and (found := _chinese_names().get(plain[:1])):
        return f"[{found}]"
    letters = [chr(ord(character) - 0x1F1E6 + ord("a")) for character in plain if 0x1F1E6 <= ord(character) <= 0x1F1FF]
    name = f"flag {''.join(letters)}" if letters else unicodedata.name(plain[:1], "emoji")
    return f":{re.sub('[^a-z0-9]+', '_', name.lower()).strip('_')}:"


def emoticon_pattern() -> str:
    """Return a pattern of Rust's regular expressions for what Chinese platforms write for their pictures: `[哈哈]`."""
    names = {word for line in _lines("emoticons_zh.txt") for word in line.split()} | set(_chinese_names().values())
    return rf"\[(?:{'|'.join(sorted(names, key=len, reverse=True))})\]"


def _is_modifier(character: str) -> bool:
    return 0x1F3FB <= ord(character) <= 0x1F3FF or character in "\ufe0f\u20e3"


@functools.cache
def _chinese_names() -> dict[str, str]:
    return {line[0]: line[2:] for line in _lines("emoji_zh.txt")}


def _lines(name: str) -> list[str]:
    text = (Path(__file__).parent / "lists" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("# ")]
