"""Labelling functions as rules: what a rule says, and how it votes on rows.

A rule is a mapping. It names the label that it gives, or a model that votes, and what a row must have; everything that
it names must hold. The regular expressions are RE2's: no text makes them run long.

    {label: refund, keywords: [退款, 退钱, refund]}            any of these words; case and width do not matter
    {label: spam, pattern: 'https?://\\S+\\.xyz'}                a regular expression (google-re2)
    {label: short, max_chars: 10}                             min_chars, max_chars: length of the text
    {label: bad, column: stars, at_most: 2}                   equals, one_of, at_least, at_most: another column
    {model: runs/old, min_score: 0.9, labels: {pos: good}}    the answer of a model, renamed where `labels` says so
    each may have `name`, and `in`: the column whose text is looked at (`text`)
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from oreline.data.fold import folded
from oreline.errors import DataError, UsageError, did_you_mean

Votes = NDArray[np.int16]
"""(N, J): the class that each of J rules gives each row, -1 where it says nothing."""
ABSTAIN = -1
Function = Callable[[dict[str, Any]], str | None]
"""A labelling function in Python: from a row to a label, or None."""
_MAX_RULES = 1000
_PATTERN_BYTES = 64 << 20
"""Memory that RE2 may take for one pattern's automaton."""


class Voter(Protocol):
    """A bound model, as far as it answers."""

    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        """Return a row for each text, with `label` and `scores`."""
        ...


class Rule(BaseModel):
    """One labelling function."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    label: str | None = None
    text_column: str = Field("text", alias="in")
    keywords: tuple[str, ...] = ()
    pattern: str | None = None
    min_chars: int | None = Field(None, ge=0)
    max_chars: int | None = Field(None, ge=0)
    column: str | None = None
    equals: str | int | float | bool | None = None
    one_of: tuple[str | int | float | bool, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    model: str | None = None
    min_score: float = Field(0.0, ge=0, le=1)
    labels: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        """A label or a keyword that YAML reads as a number is a name all the same."""
        if not isinstance(given, Mapping):
            return given
        plain = dict(given)
        if isinstance(plain.get("label"), int | float):
            plain["label"] = str(plain["label"])
        if isinstance(words := plain.get("keywords"), str | int | float):
            plain["keywords"] = [str(words)]
        elif isinstance(words, list):
            plain["keywords"] = [str(word) if isinstance(word, int | float) else word for word in words]
        return plain

    @property
    def is_bare(self) -> bool:
        """Whether it asks for nothing, so that every row would have it."""
        asks = (self.keywords, self.pattern, self.min_chars is not None, self.max_chars is not None, self.column)
        return not any(asks)

    @property
    def tests_column(self) -> bool:
        """Whether it says what its column must hold."""
        return self.equals is not None or bool(self.one_of) or self.at_least is not None or self.at_most is not None


def read_rules(given: Sequence[Mapping[str, Any]], places: Sequence[str] = ()) -> list[Rule]:
    """Return rules from mappings, each with a name.

    Raises `UsageError`, with the rule's number, or its line where `places` are given, for one that cannot be read,
    gives no label, asks for nothing, or whose pattern RE2 does not take.
    """
    if len(given) > _MAX_RULES:
        raise UsageError(f"{len(given):,} rules are too many", allowed=f"up to {_MAX_RULES:,}")
    rules: list[Rule] = []
    for number, entry in enumerate(given, start=1):
        where = places[number - 1] if places else f"rule {number}"
        if unknown := next((key for key in entry if key not in _KEYS), None):
            raise UsageError(f"a rule has no {unknown!r}", where=where, allowed=did_you_mean(str(unknown), _KEYS))
        _refuse_truths(entry, where)
        try:
            rule = Rule.model_validate(dict(entry))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise UsageError(f"{key!r} is {first.get('input')!r}: {first['msg']}", where=where) from error
        _check(rule, where)
        name = rule.name or f"{number}: {rule.label or rule.model}"
        if name in {other.name for other in rules}:
            raise UsageError(f"two rules are called {name!r}", where=where)
        rules.append(rule.model_copy(update={"name": name}))
    return rules


def models_of(rules: Sequence[Rule]) -> dict[str, str]:
    """Return the models that vote, by the names of their rules."""
    return {str(rule.name): rule.model for rule in rules if rule.model}


class Jury:
    """Rules and functions that vote on rows.

    Args:
        rules: what `read_rules` returned.
        functions: labelling functions in Python, called with each row as a mapping.
    """

    def __init__(self, rules: Sequence[Rule], functions: Sequence[Function] = ()) -> None:
        self.rules, self.functions = list(rules), list(functions)
        self.names = [str(rule.name) for rule in rules]
        self.names += [getattr(function, "__name__", f"function {number}") for number, function in enumerate(functions)]
        self.voters: Mapping[str, Voter] = {}
        self._finders = [_finder(rule) for rule in rules]

    def labels(self, frame: pl.DataFrame) -> list[pl.Series]:
        """Return what each rule says of each row, null where nothing. Raises `DataError` for a lacking column."""
        answers = [self._rule_says(rule, finder, frame) for rule, finder in zip(self.rules, self._finders)]
        if self.functions:
            rows = frame.to_dicts()
            answers += [_function_says(function, rows) for function in self.functions]
        return answers

    def _rule_says(self, rule: Rule, finder: Any, frame: pl.DataFrame) -> pl.Series:
        texts = _texts(rule, frame)
        holds = _column_holds(rule, frame) & texts.is_not_null()
        if rule.min_chars is not None:
            holds &= texts.str.len_chars() >= rule.min_chars
        if rule.max_chars is not None:
            holds &= texts.str.len_chars() <= rule.max_chars
        if rule.keywords:
            holds &= _contains(texts.to_frame("text").select(folded("text")).to_series(), _keyword_pattern(rule))
        rows = holds.fill_null(False).arg_true()
        if finder is not None:
            found = [finder.search(text) is not None for text in texts.gather(rows).to_list()]
            rows = rows.filter(pl.Series(found, dtype=pl.Boolean))
        if rule.model:
            says = self._model_says(rule, texts.gather(rows))
            return pl.Series([None] * frame.height, dtype=pl.String).scatter(rows, says)
        return pl.Series([None] * frame.height, dtype=pl.String).scatter(rows, rule.label)

    def _model_says(self, rule: Rule, texts: pl.Series) -> pl.Series:
        """Return a model's answers where it is sure enough of them."""
        if not len(texts):
            return pl.Series([], dtype=pl.String)
        answers = self.voters[str(rule.name)].predict(texts.to_list())
        labels = answers["label"].cast(pl.String)
        sure = [_score(scores, label) >= rule.min_score for scores, label in zip(answers["scores"], labels)]
        renamed = labels.replace(rule.labels) if rule.labels else labels
        return renamed.to_frame("label").select(pl.when(pl.Series(sure)).then("label")).to_series()


def as_votes(answers: Sequence[pl.Series], classes: Sequence[str]) -> Votes:
    """Return what rules say as class numbers, (N, J); -1 for nothing, and for a label that is no class."""
    code_of = {label: code for code, label in enumerate(classes)}
    columns = [[code_of.get(label, ABSTAIN) for label in answer.to_list()] for answer in answers]
    return np.array(columns, np.int16).T.reshape(len(answers[0]) if answers else 0, len(answers))


_KEYS = ("name", "label", "in", "keywords", "pattern", "min_chars", "max_chars", "column", "equals", "one_of",
         "at_least", "at_most", "model", "min_score", "labels")  # fmt: skip


def _refuse_truths(entry: Mapping[str, Any], where: str) -> None:
    """Raise `UsageError` for a label or keyword that YAML read as a truth: `no` would become the class `False`."""
    words = entry.get("keywords")
    for key, values in (("label", [entry.get("label")]), ("keywords", words if isinstance(words, list) else [words])):
        for truth in (value for value in values if isinstance(value, bool)):
            raise UsageError(
                f"{key!r} is the truth {str(truth).lower()}, and not a text",
                where=where,
                remedy="put it in quotes: YAML reads yes, no, on, off, true and false without them as truths",
            )


def _check(rule: Rule, where: str) -> None:
    if (rule.label is None) == (rule.model is None):
        raise UsageError("a rule names either the label that it gives or a model that votes", where=where)
    if rule.model is None and rule.is_bare:
        raise UsageError(
            "the rule asks for nothing: every row would have it",
            where=where,
            allowed="keywords, pattern, min_chars, max_chars, or a column with what it must hold",
        )
    if rule.tests_column != (rule.column is not None):
        lacks = "`column`" if rule.column is None else "what the column must hold"
        raise UsageError(
            f"the rule lacks {lacks}", where=where, allowed="column with equals, one_of, at_least, at_most"
        )
    if any(not word.strip() for word in rule.keywords):
        raise UsageError("a keyword is empty", where=where, remedy="take it out: every text holds it")
    _finder(rule, where)


def _finder(rule: Rule, where: str = "") -> Any:
    """Return the rule's pattern, compiled. Raises `UsageError` for one that RE2 does not take."""
    if rule.pattern is None:
        return None
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_BYTES
    try:
        finder = re2.compile(rule.pattern, options)
    except re2.error as error:
        said = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise UsageError(
            f"the pattern {rule.pattern!r} cannot be used: {said}",
            where=where,
            allowed="RE2's syntax: no look-around, no back-references",
        ) from error
    if finder.search("") is not None:
        raise UsageError(f"the pattern {rule.pattern!r} fits every text, the empty one too", where=where)
    return finder


def _keyword_pattern(rule: Rule) -> str:
    r"""Return a pattern of a rule's keywords, for folded text.

    A keyword that begins or ends with a Latin letter or a digit does not stand within a longer run of those (`cat` is
    not in `education`); Chinese ones stand anywhere, next to anything. `\b` would not do: a Chinese character is `\w`.
    """
    parts = []
    for word in rule.keywords:
        text = " ".join(unicodedata.normalize("NFKC", word).lower().split())
        before = "(?:^|[^a-z0-9])" if re.match("[a-z0-9]", text) else ""
        after = "(?:$|[^a-z0-9])" if re.search("[a-z0-9]$", text) else ""
        parts.append(f"{before}{re.escape(text)}{after}")
    return "|".join(parts)


def _contains(texts: pl.Series, pattern: str) -> pl.Series:
    # The pattern is ours, from escaped words; Polars' engine is linear in the text as RE2 is.
    return texts.str.contains(pattern)


def _texts(rule: Rule, frame: pl.DataFrame) -> pl.Series:
    return _column(frame, rule.text_column, rule).cast(pl.String)


def _column_holds(rule: Rule, frame: pl.DataFrame) -> pl.Series:
    """Return whether a rule's column holds what it asks for; true where it asks for no column."""
    holds = pl.Series([True]).new_from_index(0, frame.height)
    if rule.column is None:
        return holds
    cells = _column(frame, rule.column, rule)
    asked = [value for value in (rule.equals, *rule.one_of) if isinstance(value, bool)]
    if asked and cells.dtype == pl.String:
        raise DataError(
            f"the rule {rule.name!r} compares the texts of {rule.column!r} with the truth {str(asked[0]).lower()}",
            remedy="put it in quotes: YAML reads yes, no, on, off, true and false without them as truths",
        )
    if rule.equals is not None:
        holds &= cells.cast(pl.String) == _as_cell(rule.equals, cells.dtype)
    if rule.one_of:
        holds &= cells.cast(pl.String).is_in([_as_cell(value, cells.dtype) for value in rule.one_of])
    numbers = cells.cast(pl.Float64, strict=False)
    if rule.at_least is not None:
        holds &= numbers >= rule.at_least
    if rule.at_most is not None:
        holds &= numbers <= rule.at_most
    return holds.fill_null(False)


def _as_cell(value: Any, dtype: pl.DataType) -> str:
    """Return a value as a column of some type writes it: 5 is 5.0 among floats, and true is in lower case."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(float(value)) if dtype.is_float() else str(value)


def _column(frame: pl.DataFrame, name: str, rule: Rule) -> pl.Series:
    if name not in frame.columns:
        raise DataError(
            f"there is no column {name!r}, which the rule {rule.name!r} looks at",
            allowed=did_you_mean(name, frame.columns),
            remedy="columns with a role bear the role's name",
        )
    return frame[name]


def _function_says(function: Function, rows: list[dict[str, Any]]) -> pl.Series:
    answers = []
    name = getattr(function, "__name__", function)
    for row in rows:
        try:
            answer = function(row)
        except Exception as error:
            raise DataError(
                f"the labelling function {name!r} failed: {type(error).__name__}: {error}",
                where=str(row.get("row_id", "")),
                allowed=f"a row is a dict with {', '.join(row)}; columns with a role bear the role's name",
            ) from error
        if answer is not None and not isinstance(answer, str):
            raise DataError(
                f"the labelling function {name!r} returned {answer!r}",
                where=str(row.get("row_id", "")),
                allowed="a label (a text), or None",
            )
        answers.append(answer)
    return pl.Series(answers, dtype=pl.String)


def _score(scores: Any, label: str | None) -> float:
    """Return the score of a label among a model's, which come as a mapping or as its JSON."""
    known = json.loads(scores) if isinstance(scores, str) else scores
    value = known.get(label) if isinstance(known, Mapping) else None
    return float(value) if value is not None else 0.0
