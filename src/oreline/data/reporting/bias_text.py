"""What is said of bias, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Found = Mapping[str, Mapping[str, Any]]
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Said:
    """How findings are said in one language."""

    length: str
    longer: str
    shorter: str
    more_classes: str
    value: str
    kinds: Mapping[str, tuple[str, str]]
    """What each is called, and what a model may learn in place of the text."""
    signs: str
    words: str
    example: str
    more_words: str
    separator: str
    none: str
    of_role: str


ENGLISH = Said(
    length="bias: {of_role}texts of the class {label} are {longer} than the others (median {median:,} against"
    " {others:,} characters, Cliff's delta {effect:.2f}){more}; a model may learn the length in place of what is said",
    longer="longer",
    shorter="shorter",
    more_classes=", and so it is with {more:,} more, longer or shorter",
    value="bias: labels go with the {kind} (Cramér's V {effect:.2f}): {share:.0%} of the rows of {value} are {label},"
    " {others:.0%} of all others; a model may learn {instead} in place of what is said",
    kinds={
        "source": ("source", "where a text comes from"),
        "language": ("language", "the language"),
        "group": ("group", "whose text it is"),
    },
    signs="bias: {of_role}words, marks or numbers that mean nothing on their own go with labels (correlation up to"
    " {effect:.2f}): {examples}{more}",
    words="perhaps a bias: {of_role}single words nearly give labels away (correlation up to {effect:.2f}):"
    " {examples}{more}; it is one unless the labels are about these words",
    example="“{word}” ({label} in {hits:,} of its {n:,} rows)",
    more_words=" and {more:,} more",
    separator=", ",
    none="No bias was found; looked at: {kinds}.",
    of_role="in {role}, ",
)
CHINESE = Said(
    length="偏差：{of_role}类别 {label} 的文本比其他文本{longer}（字符数中位数 {median:,}，其他为 {others:,}，"
    "Cliff's delta {effect:.2f}）{more}；模型可能学到的是长度，而不是文本的内容",
    longer="长",
    shorter="短",
    more_classes="，另有 {more:,} 个类别的文本也明显偏长或偏短",
    value="偏差：标签与{kind}相关（Cramér's V {effect:.2f}）：{kind}为 {value} 的行中有 {share:.0%} 属于 {label}，"
    "其余各行中占 {others:.0%}；模型可能学到的是{instead}，而不是文本的内容",
    kinds={
        "source": ("来源", "文本出自哪里"),
        "language": ("语言", "文本用哪种语言写成"),
        "group": ("分组", "文本属于谁"),
    },
    signs="偏差：{of_role}本身没有含义的词、标点或数字与标签相关（相关系数最高 {effect:.2f}）：{examples}{more}",
    words="可能的偏差：{of_role}单个词几乎就能说出标签（相关系数最高 {effect:.2f}）：{examples}{more}；"
    "除非标签本来就是关于这些词的，否则就是偏差",
    example="“{word}”（{n:,} 行中有 {hits:,} 行属于 {label}）",
    more_words="，另有 {more:,} 个",
    separator="、",
    none="没有发现偏差；检查过：{kinds}。",
    of_role="{role} 一列中，",
)
_NAMES = {
    "length": "长度",
    "source": "来源",
    "language": "语言",
    "group": "分组",
    "words": "词",
    "signs": "虚词、标点与数字",
}


def sentences(found: Found, said: Said) -> list[str]:
    """Return a sentence for each thing that is a bias, or may be one."""
    return [_sentence(kind, one, said) for kind, one in found.items() if one["is_bias"]]


def nothing_found(found: Found, said: Said) -> str:
    """Return that nothing was found, and what was looked at; empty where nothing was looked at."""
    names = [_named(kind) if said is CHINESE else kind for kind in found]
    return said.none.format(kinds=said.separator.join(names)) if found else ""


def _named(kind: str) -> str:
    first, _, role = kind.partition(" of ")
    return f"{_NAMES[first]}（{role}）" if role else _NAMES[first]


def _sentence(kind: str, one: Mapping[str, Any], said: Said) -> str:
    first, _, role = kind.partition(" of ")
    write = _WRITERS.get(first, _value)
    return write(first, one, said, said.of_role.format(role=role) if role else "")


def _length(kind: str, one: Mapping[str, Any], said: Said, of_role: str) -> str:
    effect, more = one["effect"]["value"], one["more"]
    return said.length.format(
        of_role=of_role,
        label=_short(one["class"]),
        longer=said.longer if effect > 0 else said.shorter,
        median=one["median"],
        others=one["median_of_others"],
        effect=effect,
        more=said.more_classes.format(more=more) if more else "",
    )


def _value(kind: str, one: Mapping[str, Any], said: Said, of_role: str) -> str:
    name, instead = said.kinds[kind]
    return said.value.format(
        kind=name,
        effect=one["effect"]["value"],
        share=one["share"]["value"],
        value=_short(one["value"]),
        label=_short(one["class"]),
        others=one["share_of_others"],
        instead=instead,
    )


def _words(kind: str, one: Mapping[str, Any], said: Said, of_role: str) -> str:
    examples = [
        said.example.format(word=_short(e["word"]), label=_short(e["label"]), hits=e["hits"], n=e["n"])
        for e in one["examples"]
    ]
    more = said.more_words.format(more=one["more"]) if one["more"] else ""
    text = said.signs if kind == "signs" else said.words
    joined = said.separator.join(examples)
    return text.format(of_role=of_role, effect=one["effect"]["value"], examples=joined, more=more)


_WRITERS: Mapping[str, Callable[[str, Mapping[str, Any], Said, str], str]] = {
    "length": _length, "words": _words, "signs": _words,
}  # fmt: skip


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
