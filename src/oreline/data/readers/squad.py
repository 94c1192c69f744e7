"""Questions and answers in SQuAD's nested JSON: articles of paragraphs of questions.

SQuAD 1.1 and 2.0 (https://arxiv.org/abs/1606.05250, https://arxiv.org/abs/1806.03822) have this form, and so have the
SQuAD-style files of CMRC 2018 (https://arxiv.org/abs/1810.07366) and DRCD (https://arxiv.org/abs/1806.00920).
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import polars as pl

from oreline.data.input.archives import opened
from oreline.errors import DataError

_HEAD_BYTES = 65_536
_LISTS = re.compile(rb'"(?:paragraphs|qas)"\s*:\s*\[')
_BEGINS = re.compile(rb'\s*\{(?:\s*"[^"]*"\s*:\s*(?:"[^"]*"|[^"\[{,]+)\s*,)*\s*"data"\s*:\s*\[\s*\{')
_SCHEMA = {"id": pl.String, "group": pl.String, "text": pl.String, "text_pair": pl.String, "answers": pl.String}
_FORM = '{"data": [{"title": …, "paragraphs": [{"context": …, "qas": [{"question": …, "answers": […]}]}]}]}'


class Reader:
    """One row a question: `text` is the question, `text_pair` its context, `answers` the true ones with their places.

    `group` is the title of the article, so that a split does not tear it apart, and `id` the question's own. An
    impossible question has no answer, whatever `plausible_answers` it has; a file without any answers has no such
    column. The file is read as a whole: SQuAD 2.0's training file, 42 MB, takes about 0.5 GiB for a moment.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    unpacks: ClassVar[bool] = True

    @classmethod
    def knows(cls, path: Path) -> bool:
        """Whether a file begins as SQuAD's do, whatever stands before its `data`."""
        try:
            with opened(path) as stream:
                head = stream.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf")
        except (OSError, DataError):
            return False  # reading it will say why
        return bool(_BEGINS.match(head) and _LISTS.search(head))

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the questions in frames of at most `rows`.

        Raises `DataError` for a file that is no JSON, or naming the article and the question at fault.
        """
        try:
            with opened(path) as stream:
                articles = json.loads(stream.read().decode("utf-8-sig"))["data"]
                stream.read(1)  # what breaks off says so only after its last byte
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(f"the file is not JSON: {error}", where=str(path), remedy="write it again") from error
        answered = any("answers" in asked.given for asked in _questions(articles, path))
        schema = _SCHEMA if answered else {name: dtype for name, dtype in _SCHEMA.items() if name != "answers"}
        rows_of = map(_answered if answered else _asked, _questions(articles, path))
        while part := list(itertools.islice(rows_of, rows)):
            yield pl.DataFrame(part, schema=schema, orient="row")


class _Question(NamedTuple):
    """One question of a file, and where it stands."""

    given: Mapping[str, Any]
    title: str
    context: str
    path: Path

    @property
    def place(self) -> str:
        """Name the article and the question."""
        return f"{self.title}, question {self.given.get('id', self.given.get('question'))!r}"


def _questions(articles: Any, path: Path) -> Iterator[_Question]:
    for number, article in enumerate(articles, start=1):
        title = str(_mapping(article, path, f"article {number}").get("title") or f"article {number}")
        for paragraph in _list(article, "paragraphs", path, title):
            context = _mapping(paragraph, path, title).get("context")
            if not isinstance(context, str):
                raise _fault("a paragraph has no context", path, title)
            for given in _list(paragraph, "qas", path, title):
                yield _Question(_mapping(given, path, title), title, context, path)


def _asked(question: _Question) -> tuple[str | None, ...]:
    """Return a row without its answers."""
    text, identity = question.given.get("question"), question.given.get("id")
    if not isinstance(text, str):
        raise _fault("a question has no text", question.path, question.place)
    return None if identity is None else str(identity), question.title, text, question.context


def _answered(question: _Question) -> tuple[str | None, ...]:
    """Return a row with its answers as JSON, each once: annotators often agree."""
    impossible, answers = question.given.get("is_impossible", False), question.given.get("answers")
    what = ""
    if answers is None and not impossible:
        what = "the question has no list of answers, and is not said to be impossible"
    elif answers and impossible:
        what = f"the question is said to be impossible, and has {len(answers)} answers"
    if what:
        raise _fault(what, question.path, question.place)
    spans = dict.fromkeys(_span(answer, question.path, question.place) for answer in answers or ())
    cell = json.dumps([{"text": text, "start": start} for text, start in spans], ensure_ascii=False)
    return *_asked(question), cell


def _span(answer: Any, path: Path, place: str) -> tuple[str, int | None]:
    given = _mapping(answer, path, place)
    text, start = given.get("text"), given.get("answer_start")
    if not isinstance(text, str) or not (start is None or isinstance(start, int)):
        raise _fault(f"{str(answer)[:80]} is no answer", path, place)
    return text, start if start is not None and start >= 0 else None


def _mapping(value: Any, path: Path, place: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise _fault(f"{str(value)[:80]!r} stands where an object was expected", path, place)


def _list(value: Mapping[str, Any], name: str, path: Path, place: str) -> list[Any]:
    found = value.get(name)
    if isinstance(found, list):
        return found
    raise _fault(f"{name!r} is {'missing' if found is None else 'no list'}", path, place)


def _fault(what: str, path: Path, place: str) -> DataError:
    return DataError(what, where=f"{path}, {place}", allowed=_FORM, remedy="correct the file there")
