"""Guess what raw rows are for beyond one label a text: by the names of their columns, and by what stands in them.

A guess needs both: columns that are called what people call them, and values that read as their role does in nine of
ten rows. It says why, so that a user can see where it went wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from oreline.data.forms.dialogues import DIALOGUE_COLUMNS, INSTRUCTION, OUTPUT
from oreline.data.forms.tagged import aligned
from oreline.dialogue import parsed
from oreline.metrics.answers import located, parse
from oreline.metrics.marked import mention_of, read_marked
from oreline.words import as_cell

_ROWS = 200
"""Rows that are looked into."""
_FITTING = 0.9
"""Share of them that has to read as its role does."""
_MANY_VALUES = 0.3
"""Different numbers, as a share of the rows, from which on a label is a figure and no class."""
_WORDS = ("tokens", "words", "text", "sentence", "句子", "文本")
_TEXTS = ("text", "sentence", "content", "review", "文本", "内容")
_TAGS = ("tags", "ner_tags", "bio_tags", "slots", "labels", "ner", "tag", "标注", "标签")
_INTENTS = ("intent", "label", "意图")
_HEADS_TAILS = (
    ("head", "tail"), ("h", "t"), ("subj", "obj"), ("subject", "object"), ("entity1", "entity2"),
    ("head_entity", "tail_entity"), ("头实体", "尾实体"),
)  # fmt: skip
_RELATIONS = ("relation", "label", "predicate", "rel", "关系")
_ASKED = ("question", "query", "text", "问题")
_CONTEXTS = ("context", "passage", "paragraph", "document", "text_pair", "文章", "段落", "原文")
_ANSWERS = ("answers", "answer", "答案")
_PAIRS = (
    ("text", "text_pair"), ("text_a", "text_b"), ("sentence1", "sentence2"), ("premise", "hypothesis"),
    ("question1", "question2"), ("text1", "text2"), ("sentence_a", "sentence_b"), ("句子1", "句子2"),
)  # fmt: skip
_LABELS = ("label", "gold_label", "is_duplicate", "score", "similarity", "标签")
_SOUGHT = (
    ("query", "positive"), ("anchor", "positive"), ("query", "pos"), ("query", "passage"), ("query", "document"),
    ("query", "answer"), ("question", "answer"), ("question", "positive"), ("text", "text_pair"), ("问题", "答案"),
)  # fmt: skip
_NEGATIVES = ("negative", "neg", "negatives", "hard_negative")
_WRITTEN = (
    ("source", "target"), ("src", "tgt"), ("text", "target_text"), ("input_text", "target_text"), ("en", "zh"),
    ("zh", "en"), ("document", "summary"), ("article", "highlights"), ("article", "summary"), ("text", "summary"),
    ("dialogue", "summary"), ("input", "output"), ("原文", "译文"), ("正文", "摘要"),
)  # fmt: skip


class Guess(NamedTuple):
    """What rows seem to be for."""

    task: str
    roles: Mapping[str, str]
    """Source column of each role."""
    why: str
    """A sentence for the user."""


def guess_task(frame: pl.DataFrame) -> Guess | None:
    """Return the task that rows seem to be for; None where nothing speaks for more than one label a text.

    >>> rows = {"question": ["When?", "Who?"], "context": ["In 1912.", "Ann."], "answers": ["1912", "Ann"]}
    >>> found = guess_task(pl.DataFrame(rows))
    >>> found.task, found.roles
    ('question_answering', {'text': 'question', 'text_pair': 'context', 'answers': 'answers'})
    """
    names = _by_plain_name(frame.columns)
    guessers = (_dialogues, _tags, _relations, _answers, _pairs, _sought, _written, _several_labels)
    found = (guesser(frame.head(_ROWS), names) for guesser in guessers)
    return next((guess for guess in found if guess is not None), None)


def role_options(columns: Sequence[str]) -> str:
    """Return the options that name columns by their roles, where the columns' names alone say what they are.

    >>> role_options(["id", "question", "context", "answers"])
    'for question_answering: --role text=question --role text_pair=context'
    >>> role_options(["a", "b"])
    ''
    """
    names = _by_plain_name(columns)
    asked, context, answers = (_first(names, known) for known in (_ASKED, _CONTEXTS, _ANSWERS))
    guesses: list[tuple[str, dict[str, str]]] = []
    if asked and context and answers:
        guesses.append(("question_answering", {"text": asked, "text_pair": context, "answers": answers}))
    for task, known, second in (("pair", _PAIRS, "text_pair"), ("embedding", _SOUGHT, "text_pair"),
                                ("seq2seq", _WRITTEN, "target_text")):  # fmt: skip
        if (pair := next(_named(names, known), None)) and (task != "pair" or _first(names, _LABELS)):
            guesses.append((task, {"text": pair[0], second: pair[1]}))
    if not guesses:
        return ""
    task, roles = guesses[0]
    return f"for {task}: " + " ".join(f"--role {role}={name}" for role, name in roles.items() if role != name)


def _by_plain_name(columns: Sequence[str]) -> dict[str, str]:
    return {name.strip().lower().replace(" ", "_").replace("-", "_"): name for name in reversed(columns)}


def _dialogues(frame: pl.DataFrame, names: Mapping[str, str]) -> Guess | None:
    column = _first(names, DIALOGUE_COLUMNS)
    if column and _fits(frame, [column], lambda cell: parsed(_plain(cell))):
        return Guess("chat", {"messages": column}, f"{column!r} holds dialogues: messages with a role each")
    if {INSTRUCTION, OUTPUT} <= set(frame.columns) and "text" not in frame.columns:
        why = f"{INSTRUCTION!r} says what is asked and {OUTPUT!r} what is answered, as in Alpaca's rows"
        return Guess("chat", {"messages": INSTRUCTION}, why)
    return None


def _tags(frame: pl.DataFrame, names: Mapping[str, str]) -> Guess | None:
    words, tags = _first(names, _WORDS), _first(names, _TAGS)
    if not words or not tags or not _fits(frame, [words, tags], _tagged):
        return None
    roles = {"text": words, "tags": tags}
    why = f"{tags!r} has one tag for each word of {words!r}, or spans of it"
    if (intent := _first(names, _INTENTS)) and intent not in roles.values():
        why += f", and {intent!r} says what the whole text wants"
        return Guess("intent_slots", {**roles, "label": intent}, why)
    return Guess("token_classification", roles, why)


def _tagged(words: Any, tags: Any) -> None:
    """Raise `ValueError` unless every word has a tag that is a word, or the tags are spans."""
    given = _plain(tags)
    if isinstance(given, str) and not given.lstrip().startswith("[") and len(given.split()) < 2:
        raise ValueError(f"{given!r} may well be a label of the whole text")
    text = words if isinstance(words, str) else as_cell([str(word) for word in words])
    if isinstance(given, list) and any(isinstance(tag, int | float) for tag in given):
        raise ValueError("numbers are no tags")
    _, found = aligned(text, given)
    if not any(tag == "O" or tag[1:2] in "-_" for tag in found):
        raise ValueError("nothing of BIO is in it")


def _relations(frame: pl.DataFrame, names: Mapping[str, str]) -> Guess | None:
    text, label = _first(names, _WORDS), _first(names, _RELATIONS)
    if not text or not label:
        return None
    if _fits(frame, [text], lambda cell: read_marked(str(cell))):
        roles = {"text": text, "label": label}
        return Guess("relation", roles, f"{text!r} marks two entities, <e1>…</e1> and <e2>…</e2>")
    for head, tail in _named(names, _HEADS_TAILS):
        if _fits(frame, [text, head, tail], lambda cell, *ends: [mention_of(_plain(end), _cell(cell)) for end in ends]):
            roles = {"text": text, "head": head, "tail": tail, "label": label}
            return Guess("relation", roles, f"{head!r} and {tail!r} are places or words of {text!r}: two entities")
    return None


def _answers(frame: pl.DataFrame, names: Mapping[str, str]) -> Guess | None:
    asked, context, answers = (_first(names, known) for known in (_ASKED, _CONTEXTS, _ANSWERS))
    if not asked or not context or not answers:
        return None
    if not _fits(frame, [context, answers], lambda text, given: located(text, parse(_plain(given)))):
        return None
    roles = {"text": asked, "text_pair": context, "answers": answers}
    return Guess("question_answering", roles, f"{answers!r} are spans of {context!r}, asked for by {asked!r}")


def _pairs(frame: pl.DataFrame, names: Mapping[str, str]) -> Guess | None:
    label = _first(names, _LABELS)
    for first, second in _named(names, _PAIRS):
        if not label or not _are_texts(frame, first, second):
            continue
        values = frame[label].drop_nulls()
        numbers = values.cast(pl.Float64, strict=False).drop_nulls() if not values.dtype.is_nested() else pl.Series()
        is_figure = len(numbers) == len(values) > 0 and numbers.n_unique() > max(2, min(len(values) * _MANY_VALUES, 20))
        roles = {"text": first, "text_pair": second, "label": label}
        why = f"{first!r} and {second!r} are two texts of a row, and {label!r} "
        if is_figure:
            return Guess("similarity", roles, why + "a figure of both")
        return Guess("pair", roles, why + f"one of {values.n_unique()} classes of both")
    return None


def _sought(frame: pl.DataFrame, names: Mapping[str, str]) -> Guess | None:
    for first, second in _named(names, _SOUGHT):
        if _are_texts(frame, first, second):
            roles = {"text": first, "text_pair": second}
            if negative := _first(names, _NEGATIVES):
                roles["negative"] = negative
            why = f"{second!r} is what {first!r} should find (to write it instead: task seq2seq, or chat)"
            return Guess("embedding", roles, why)
    return None


def _written(frame: pl.DataFrame, names: Mapping[str, str]) -> Guess | None:
    for first, second in _named(names, _WRITTEN):
        if _are_texts(frame, first, second):
            return Guess("seq2seq", {"text": first, "target_text": second}, f"{second!r} is what is made of {first!r}")
    return None


def _several_labels(frame: pl.DataFrame, names: Mapping[str, str]) -> Guess | None:
    text, label = _first(names, _TEXTS), _first(names, (*_LABELS, "labels", "tags", "topics"))
    if not text or not label or frame[label].dtype != pl.List(pl.String) or frame[text].dtype != pl.String:
        return None
    return Guess("multilabel", {"text": text, "label": label}, f"{label!r} has a list of labels for each {text!r}")


def _first(names: Mapping[str, str], known: Sequence[str]) -> str | None:
    return next((names[name] for name in known if name in names), None)


def _named(names: Mapping[str, str], known: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((names[first], names[second]) for first, second in known if first in names and second in names)


def _fits(frame: pl.DataFrame, columns: Sequence[str], read: Callable[..., Any]) -> bool:
    """Whether most rows that have a value in the first column can be read."""
    rows = [row for row in frame.select(columns).iter_rows() if row[0] is not None]
    return bool(rows) and sum(_reads(read, row) for row in rows) >= _FITTING * len(rows)


def _reads(read: Callable[..., Any], row: Sequence[Any]) -> bool:
    try:
        read(*row)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    return True


def _are_texts(frame: pl.DataFrame, first: str, second: str) -> bool:
    """Whether two columns hold texts, most of them different ones."""
    columns = [frame[name].drop_nulls() for name in (first, second)]
    return first != second and all(
        column.dtype == pl.String and len(column) > 0 and (column.n_unique() > len(column) / 10 or len(column) < 10)
        for column in columns
    )


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else as_cell([str(word) for word in value])


def _plain(value: Any) -> Any:
    """Return a nested value as a JSON file would give it."""
    return json.loads(json.dumps(value.to_list() if isinstance(value, pl.Series) else value, default=str))
