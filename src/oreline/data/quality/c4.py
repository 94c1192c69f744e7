"""C4's rules for lines and sentences (Raffel et al. 2020, section 2.2), and what stands for them in Chinese.

In Chinese no white space divides words and sentences end with other marks, so the published rule drops every line.
Here a Chinese line needs five characters in place of three words, which take about as much room, and ends with 。！？
or a closing quote; the phrases of policies are Chinese ones too. A Chinese line of an English text is judged as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from oreline.data.quality.languages import CHINESE

ENDS = ".?!\"'”’"
_CHINESE_ENDS = tuple("。！？!?.．｡”’」』\"'")
_OPEN_ENDS = ("...", "…")
_SENTENCE_END = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s|$)")
_CHINESE_SENTENCE_END = re.compile(r"[。！？!?｡．]+[”’」』）)\"']*|(?<!\d)\.(?!\d)|…+(?=[^，、；])")
_CITATION = re.compile(r"\[(?:\d*|edit|citation needed|编辑|来源请求|來源請求)\]")
_POLICIES = (
    "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies",
    "使用条款", "服务条款", "隐私政策", "隐私条款", "免责声明", "版权所有",
    "使用條款", "服務條款", "隱私政策", "隱私權政策",     "免責聲明", "版權所有",
)  # fmt: skip
LOREM_IPSUM = "lorem ipsum"
"""Begins a place holder of designers."""
MAX_WORD = 1000
TELLING = ("[", "javascript", *_POLICIES)
"""An English text without any of these, and without Han, loses lines for their ends and lengths alone."""
HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_ASCII_LETTER = re.compile("[A-Za-z]")


@dataclass(frozen=True, slots=True)
class LineRules:
    """What a line needs to stay."""

    min_words: int = 3
    min_characters: int = 5
    """Of a Chinese line."""
    needs_end: bool = True
    """Whether it must end as a sentence does."""
    citations: bool = True
    """Whether `[1]` and its like are taken out."""

    def fault(self, line: str, language: str) -> str | None:
        """Return why a line goes, None for one that stays."""
        is_chinese = _is_chinese(line, language)
        if self.needs_end and (
            not line.endswith(_CHINESE_ENDS if is_chinese else tuple(ENDS)) or line.endswith(_OPEN_ENDS)
        ):
            return "no_sentence_end"
        if is_chinese:
            if len(line) < self.min_characters:
                return "few_words"
        else:
            words = line.split()
            if len(words) < self.min_words:
                return "few_words"
            if len(line) > MAX_WORD and any(len(word) > MAX_WORD for word in words):
                return "long_word"
        lowered = line.lower()
        if "javascript" in lowered:
            return "javascript"
        return "policy" if any(phrase in lowered for phrase in _POLICIES) else None

    def trimmed(self, text: str, language: str) -> tuple[str, list[str]]:
        """Return the lines that stay and what was done, each once and in order.

        >>> LineRules().trimmed("Home | Shop\\nThe sky was blue that day.[3]", "en")
        ('The sky was blue that day.', ['no_sentence_end', 'citation'])
        """
        kept, done = [], {}
        for line, fault, cited in self._judged(text, language):
            done.update(dict.fromkeys([fault] if fault else ["citation"] if cited else []))
            if not fault:
                kept.append(line)
        return ("\n".join(kept), list(done)) if done else (text, [])

    def num_sentences(self, text: str, language: str) -> int:
        """Return the sentences of the lines that stay; a line is one at least.

        >>> LineRules().num_sentences("It rained. We stayed in.\\nShop", "en")
        2
        >>> LineRules().num_sentences("下雨了。没出门！", "zh")
        2
        """
        kept = [line for line, fault, _ in self._judged(text, language) if not fault]
        ends = [_CHINESE_SENTENCE_END if _is_chinese(line, language) else _SENTENCE_END for line in kept]
        return sum(max(1, sum(1 for _ in end.finditer(line))) for line, end in zip(kept, ends))

    def _judged(self, text: str, language: str) -> Iterator[tuple[str, str | None, bool]]:
        for raw in text.split("\n"):
            if line := raw.strip():
                plain = _CITATION.sub("", line) if self.citations and "[" in line else line
                yield plain, self.fault(plain, language), plain != line


def _is_chinese(line: str, language: str) -> bool:
    """Whether a line is judged as Chinese: all of a Chinese text, and those of another one that are (as rows are)."""
    if language == CHINESE or line.isascii():
        return language == CHINESE
    num_han = len(HAN.findall(line))
    return num_han > 0 and num_han >= 0.3 * (num_han + len(_ASCII_LETTER.findall(line)))
