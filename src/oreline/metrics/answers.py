"""Answers that are spans of a text: their forms, where they stand, and how near two of them are.

English answers are compared as SQuAD 2.0 does (case, punctuation, articles and white space do not count; F1 of words):
Rajpurkar et al., https://arxiv.org/abs/1806.03822. Answers with a Chinese character are compared as CMRC 2018 does
(case and punctuation do not count; F1 of the longest common run of characters): Cui et al.,
https://arxiv.org/abs/1810.07366.
"""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from oreline.errors import amount
from oreline.words import kind_of

NO_ANSWER = "(no answer)"
_STARTS = ("start", "answer_start")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
# The marks that CMRC's evaluation leaves out; others, a decimal point for one, belong to the answer.
_CHINESE_MARKS = frozenset("-:_*^/\\~`+=，。：？！“”；’《》…·、「」（）－～『』")
_RUN = re.compile(r"\w+(?:[.,]\w+)*|[^\w\s]")


class Answer(NamedTuple):
    """A span of a text, in characters: `text[start:end]`; and in words, where they are known."""

    text: str
    start: int = -1
    end: int = -1
    first: int = -1
    """Number of its first word among the words of the context."""
    last: int = -1
    """Number of its last word."""


def parse(target: Any) -> list[tuple[str, int | None]]:
    """Return the texts of a target's answers, with the character that each begins at where that is given.

    A target is a text, a list of texts, a list of `{"text", "start"}` (or SQuAD's and CMRC's `answer_start`), one
    mapping of lists as in SQuAD's frames, or any of these as JSON. Nothing, or nothing in it, means no answer.

    >>> parse("in 1912"), parse('[{"text": "1912", "answer_start": 3}]'), parse({"text": ["a"], "answer_start": [0]})
    ([('in 1912', None)], [('1912', 3)], [('a', 0)])
    >>> parse(None), parse(""), parse("[]")
    ([], [], [])

    Raises `ValueError` for anything else.
    """
    if target is None:
        return []
    if isinstance(target, str):
        return _from_text(target)
    if isinstance(target, Mapping):
        return _from_mapping(target)
    if isinstance(target, Sequence):
        return [found for part in target for found in parse(part)]
    raise ValueError(f"{str(target)[:80]!r} is no answer")


def _from_text(target: str) -> list[tuple[str, int | None]]:
    if target.lstrip()[:1] in ("[", "{"):
        try:
            found = json.loads(target)
        except ValueError:
            return [(target, None)]  # an answer that begins with a bracket
        if isinstance(found, list | dict):
            return parse(found)
    return [(target, None)] if target.strip() else []


def _from_mapping(target: Mapping[str, Any]) -> list[tuple[str, int | None]]:
    text = target.get("text")
    start = next((target[name] for name in _STARTS if name in target), None)
    if isinstance(start, str) and start.strip().isdecimal():
        start = int(start)  # one place that is a text makes texts of a whole column of a file
    other = [str(name) for name, value in target.items() if name != "text" and value is not None]
    if text is None and other:
        raise ValueError(f"an answer has no 'text', and there is {', '.join(map(repr, other))}")
    if text is None or isinstance(text, str):
        if not (start is None or (isinstance(start, int | float) and float(start).is_integer())):
            raise ValueError(f"the answer {str(text)[:80]!r} starts at {start!r}, which is no place")
        place = int(start) if start is not None and start >= 0 else None
        return [(text, place)] if text and text.strip() else []
    starts = list(start) if isinstance(start, Sequence) else [None] * len(text)
    if len(starts) != len(text):
        counts = f"{amount(len(text), 'answer')}, {amount(len(starts), 'place')}"
        raise ValueError(f"answers and places do not agree: {counts}")
    return [found for one, place in zip(text, starts) for found in _from_mapping({"text": one, "start": place})]


def locate(context: str, text: str, start: int | None) -> tuple[Answer, str]:
    """Return an answer with its place in a context, and what had to be done to find it: nothing is the empty string.

    `found`: its place was not given; `ambiguous`: nor does it occur once only, and the first occurrence is taken;
    `moved`: it stands elsewhere than was said, and the nearest occurrence is taken; `spaced`: white space differs.

    >>> locate("born in 1912, died in 1912", "1912", None)
    (Answer(text='1912', start=8, end=12, first=-1, last=-1), 'ambiguous')
    >>> locate("born in 1912", "1912", 7)[1], locate("New  York", "New York", 0)[0].text
    ('moved', 'New  York')

    Raises `ValueError` where the context does not hold it.
    """
    if start is not None and text and context.startswith(text, start):
        return _trimmed(context, start, start + len(text)), ""
    spaced = r"\s+".join(map(re.escape, text.split()))
    places = [found.span() for found in re.finditer(spaced, context)] if spaced else []
    if not places:
        raise ValueError(f"the answer {text[:80]!r} is not in its context")
    nearest = min(places, key=lambda place: abs(place[0] - start)) if start is not None else places[0]
    found = _trimmed(context, *nearest)
    if start is None:
        return found, "found" if len(places) == 1 else "ambiguous"
    return found, "moved" if found.text == text.strip() else "spaced"


def located(context: str, given: Sequence[tuple[str, int | None]]) -> list[tuple[Answer, str]]:
    """Return the answers of a row with their places, those that the context holds first; see `locate`.

    An annotator's words that the context does not hold are kept to judge by where another answer stands in it: their
    start is -1, and what happened to them is `missing`.

    >>> located("born in 1912", [("year 1912", None), ("1912", 8)])[1]
    (Answer(text='year 1912', start=-1, end=-1, first=-1, last=-1), 'missing')

    Raises `ValueError` where the context holds none of them.
    """
    found, lacking = [], []
    for text, start in given:
        try:
            found.append(locate(context, text, start))
        except ValueError:
            lacking.append((Answer(text.strip()), "missing"))
    if lacking and not found:
        raise ValueError(
            f"the answer {lacking[0][0].text[:80]!r} is not in its context"
            if context.strip()
            else "the context is empty, and the question has an answer"
        )
    return [*found, *lacking]


def _trimmed(context: str, start: int, end: int) -> Answer:
    """Return a span without the white space at its ends."""
    text = context[start:end]
    start += len(text) - len(text.lstrip())
    return Answer(text.strip(), start, start + len(text.strip()))


def compared(given: str, truths: Sequence[str]) -> tuple[float, float]:
    """Return exact match and F1 of an answer with the true one that is nearest; empty is "no answer".

    >>> compared("the Eiffel Tower", ["Eiffel tower!"]), compared("Eiffel", ["Eiffel tower"])
    ((1.0, 1.0), (0.0, 0.6666666666666666))
    >>> compared("北京市", ["北京"]), compared("", []), compared("1912", [])
    ((0.0, 0.8), (1.0, 1.0), (0.0, 0.0))
    """
    pairs = [_compared(given, truth) for truth in (truths or [""])]
    return max(exact for exact, _ in pairs), max(f1 for _, f1 in pairs)


def _compared(given: str, truth: str) -> tuple[float, float]:
    is_chinese = any(kind_of(character) == "han" for character in given + truth)
    one, other = (_chinese(text) if is_chinese else _english(text) for text in (given, truth))
    if not one or not other:
        return float(one == other), float(one == other)
    exact = "".join(one) == "".join(other) if is_chinese else one == other
    both = longest_run(one, other) if is_chinese else (Counter(one) & Counter(other)).total()
    return float(exact), 2 * both / (len(one) + len(other))


def _english(text: str) -> list[str]:
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def _chinese(text: str) -> list[str]:
    """Return Chinese characters, and what stands between them in words."""
    spread = "".join(
        " " if mark in _CHINESE_MARKS else f" {mark} " if kind_of(mark) == "han" else mark for mark in text.lower()
    )
    return _RUN.findall(spread)


def longest_run(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest run that two sequences share.

    >>> longest_run("abcde", "xbcdy")
    3
    """
    best, before = 0, [0] * (len(other) + 1)
    for left in one:
        row = [0] * (len(other) + 1)
        for place, right in enumerate(other):
            if left == right:
                row[place + 1] = before[place] + 1
        best, before = max(best, *row), row
    return best


def row_scores(targets: Iterable[Sequence[Answer]], predicted: Iterable[Sequence[Answer]]) -> list[tuple[float, float]]:
    """Return exact match and F1 of each row."""
    return [
        compared(given[0].text if given else "", [answer.text for answer in truths])
        for truths, given in zip(targets, predicted, strict=True)
    ]
