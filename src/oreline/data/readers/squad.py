"""Questions and answers in SQuAD's nested JSON: articles of paragraphs of questions.

SQuAD 1.1 and 2.0 (https://arxiv.org/abs/1606.05250, https://arxiv.org/abs/1806.03822) have this form, and so have the
SQuAD-style files of CMRC 2018 (https://arxiv.org/abs/1810.07366) and DRCD (https://arxiv.org/abs/1806.00920).
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import polars as pl

from oreline.data.input.archives import opened
from oreline.data.input.compressed import CutOffError, batches
from oreline.data.input.json_rows import Growing
from oreline.errors import DataError, amount

_HEAD_BYTES = 65_536
_LISTS = re.compile(rb'"(?:paragraphs|qas)"\s*:\s*\[')
_BEGINS = re.compile(rb'\s*\{(?:\s*"[^"]*"\s*:\s*(?:"[^"]*"|[^"\[{,]+)\s*,)*\s*"data"\s*:\s*\[\s*\{')
_SCHEMA = {"id": pl.String, "group": pl.String, "text": pl.String, "text_pair": pl.String, "answers": pl.String}
_FORM = '{"data": [{"title": …, "paragraphs": [{"context": …, "qas": [{"question": …, "answers": […]}]}]}]}'


class Reader:
    """One row a question: `text` is the question, `text_pair` its context, `answers` the true ones with their places.

    `group` is the title of the article, so that a split does not tear it apart, and `id` the question's own. An
    impossible question has no answer, whatever `plausible_answers` it has; a file without any answers has no such
    column. One question is parsed at a time; of a file that breaks off, the questions before the break are kept.
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

        Raises `DataError` for a file that is no JSON, or naming the article and the question at fault, and
        `CutOffError` after the last whole question of a file that breaks off.
        """
        answered = _is_answered(path)
        schema = _SCHEMA if answered else {name: dtype for name, dtype in _SCHEMA.items() if name != "answers"}
        found = map(_answered if answered else _asked, _questions(path))
        for part in batches(found, rows, weigh=lambda cells: sum(len(cell or "") for cell in cells)):
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


def _is_answered(path: Path) -> bool:
    """Whether any question of a file has answers, which the first one tells if it has."""
    with contextlib.suppress(CutOffError):
        return any("answers" in question.given for question in _questions(path))
    return False


def _questions(path: Path) -> Iterator[_Question]:
    text = Growing(path)
    found = False
    for key in text.keys():  # noqa: SIM118  no mapping
        if key == "data" and text.peek() == "[":
            found = True
            for number in text.places():
                yield from _of_article(text, path, f"article {number}")
        else:
            text.value()
    if not found or text.peek():
        raise _fault(
            "the file has no list 'data'" if not found else "something stands behind the end", path, "at its end"
        )


def _of_article(text: Growing, path: Path, place: str) -> Iterator[_Question]:
    """Yield an article's questions; where its title stands behind them, at its end."""
    text.where = f"{path}, {place}"
    title, seen = "", False
    held: list[_Question] = []
    _expect(text, "{", path, place)
    try:
        for key in text.keys():  # noqa: SIM118
            if key == "title":
                title = str(text.value()[0] or place)
                text.where = f"{path}, {title}"
            elif key == "paragraphs":
                seen = True
                _expect(text, "[", path, title or place, key)
                for _ in text.places():
                    for question in _of_paragraph(text, path, title or place):
                        if title:
                            yield question
                        else:
                            held.append(question)
            else:
                text.value()
    except CutOffError:
        yield from held
        raise
    if not seen:
        raise _fault("'paragraphs' is missing", path, title or place)
    yield from (question._replace(title=title or place) for question in held)


def _of_paragraph(text: Growing, path: Path, title: str) -> Iterator[_Question]:
    """Yield a paragraph's questions; where its context stands behind them, at its end."""
    _expect(text, "{", path, title)
    context: str | None = None
    seen = False
    held: list[Mapping[str, Any]] = []
    for key in text.keys():  # noqa: SIM118
        if key == "context":
            value, _ = text.value()
            context = value if isinstance(value, str) else None
        elif key == "qas":
            seen = True
            _expect(text, "[", path, title, key)
            for _ in text.places():
                given = _mapping(text.value()[0], path, title)
                if context is None:
                    held.append(given)
                else:
                    yield _Question(given, title, context, path)
        else:
            text.value()
    if context is None or not seen:
        raise _fault("a paragraph has no context" if context is None else "'qas' is missing", path, title)
    yield from (_Question(given, title, context, path) for given in held)


def _expect(text: Growing, mark: str, path: Path, place: str, name: str = "") -> None:
    """Raise `DataError` unless an object or a list begins here."""
    if text.peek() != mark:
        value, _ = text.value()
        what = f"{name!r} is no list" if name else f"{str(value)[:80]!r} stands where an object was expected"
        raise _fault(what, path, place)


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
        what = f"the question is said to be impossible, and has {amount(len(answers), 'answer')}"
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


def _fault(what: str, path: Path, place: str) -> DataError:
    return DataError(what, where=f"{path}, {place}", allowed=_FORM, remedy="correct the file there")
