"""Rows whose words carry tags: from the forms that people have to a text and a JSON list with one tag for each word."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from oreline.errors import DataError, amount
from oreline.metrics.tags import OUTSIDE, written
from oreline.types import FRAME
from oreline.words import Word, as_cell, string_list, units, words_of

_KEYS = (("start", "start_offset"), ("end", "end_offset"), ("label", "type"))
"""What the ends and the label of a span are called, where spans are objects."""


OVERLAPPING = "spans_overlap"
"""What is said of a row that has spans which stand in one another: the first and longest of them are kept."""


def with_tags(frame: pl.DataFrame, place: str, noted: dict[str, str] | None = None) -> pl.DataFrame:
    """Return a frame in which `text` is a text or a JSON list of words, and `tags` a JSON list, one for each word.

    Tags may come as lists, as JSON, as one string with spaces between them, or as spans of the text in characters:
    `[[0, 2, "PER"], …]`, `[{"start": 0, "end": 2, "label": "PER"}, …]`, or by label and words as CLUENER has them,
    `{"PER": {"Ann": [[0, 2]]}}`, where the last character may be counted in. A text whose tags count its words at white
    space, or its characters, becomes the list of those; a row without a word has neither text nor tags.
    A word has one tag: of spans that overlap the first and longest counts, and `noted` is told of the row.

    Raises `DataError` for a row that has more or fewer tags than words, or a span outside of its text.
    """
    texts: list[str | None] = []
    tags: list[str | None] = []
    for row_id, text, given in frame.select("row_id", "text", "tags").iter_rows():
        if text is None or given is None:
            texts.append(text)
            tags.append(None)
            continue
        try:
            cell, found, left_out = _aligned(text, given)
        except ValueError as error:
            raise DataError(
                str(error),
                where=f"{row_id}, {place}" if place not in row_id else row_id,
                allowed="one tag for each word, or spans of the text in characters",
                remedy="give each word its tag (counted at white space, or by character), or leave the row out; "
                "words that hold spaces come as a list (tokens)",
            ) from error
        if left_out and noted is not None:
            noted[row_id] = OVERLAPPING
        texts.append(cell if found else None)
        tags.append(as_cell(found) if found else None)
    return frame.with_columns(pl.Series("text", texts, pl.String), pl.Series("tags", tags, pl.String))


def with_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the column `frame`, their label and tags as one target; as they are where one of these lacks."""
    if not {"label", "tags"} <= set(frame.columns):
        return frame
    cells = [
        None if label is None or tags is None else as_cell([label, *(string_list(tags) or [])])
        for label, tags in frame.select("label", "tags").iter_rows()
    ]
    return frame.with_columns(pl.Series(FRAME, cells, pl.String))


def aligned(text: str, given: Any) -> tuple[str, list[str]]:
    """Return the cell of a text, and a tag for each of its words. Raises `ValueError` where they do not fit.

    >>> aligned("EU rejects 3.5", "B-ORG O O")
    ('["EU", "rejects", "3.5"]', ['B-ORG', 'O', 'O'])
    >>> aligned("I love Paris.", [[7, 12, "LOC"]])
    ('I love Paris.', ['O', 'O', 'B-LOC', 'O'])
    >>> aligned("我爱北京", '{"LOC": {"北京": [[2, 3]]}}')
    ('我爱北京', ['O', 'O', 'B-LOC', 'I-LOC'])
    """
    return _aligned(text, given)[:2]


def _aligned(text: str, given: Any) -> tuple[str, list[str], int]:
    """Return the cell of a text, a tag for each of its words, and how many spans were left out."""
    listed = _listed(given, text)
    is_text = string_list(text) is None
    if is_text and not (listed and isinstance(listed[0], str)):
        return text, *_from_spans(text, listed)
    tags = [str(tag) for tag in listed]
    forms = [text, as_cell(text.split()), as_cell([*text])] if is_text else [text]
    for cell in forms:
        if len(words_of(cell)[1]) == len(tags):
            return cell, tags, 0
    counts = [len(words_of(cell)[1]) for cell in forms]
    words = amount(counts[0], "word")
    words += f" ({counts[1]:,} at white space, {amount(counts[2], 'character')})" if is_text else ""
    raise ValueError(f"the row has {words} and {amount(len(tags), 'tag')}")


def _listed(given: Any, text: str) -> Sequence[Any]:
    if isinstance(given, str) and given.lstrip().startswith("{"):
        try:
            return _by_label(text, json.loads(given))
        except json.JSONDecodeError:
            return given.split()
    if isinstance(given, Mapping):
        return _by_label(text, given)
    if not isinstance(given, str):
        return list(given)
    if given.lstrip().startswith("["):
        try:
            found = json.loads(given)
        except ValueError:
            return given.split()
        return found if isinstance(found, list) else [found]
    return given.split()


def _by_label(text: str, given: Mapping[str, Any]) -> list[tuple[int, int, str]]:
    """Return the spans of `{label: {words: [[start, end], …]}}`; the words say whether the end is counted in."""
    found = []
    for label, named in given.items():
        if named is None:  # a label that another row has, where rows are read as a table
            continue
        if not isinstance(named, Mapping):
            raise ValueError(f"{label!r} has {str(named)[:80]}: the words of its entities with their places are needed")
        for words, places in named.items():
            for place in places or []:
                start, end, _ = _span([*place, label] if isinstance(place, Sequence) else place)
                if (after := next((e for e in (end, end + 1) if text[start:e] == words), None)) is None:
                    raise ValueError(f"the text has {text[start : end + 1]!r} at {start} to {end}, and not {words!r}")
                found.append((start, after, str(label)))
    return found


def _from_spans(text: str, spans: Sequence[Any]) -> tuple[list[str], int]:
    """Return BIO tags, and how many spans overlap those before; one that ends within a word takes in the whole word."""
    words = units(text)
    tags, left_out = [OUTSIDE] * len(words), 0
    for start, end, label in sorted(map(_span, spans), key=lambda span: (span[0], -span[1])):
        if not 0 <= start < end <= len(text):
            raise ValueError(f"the span {start} to {end} lies outside of a text of {len(text):,} characters")
        touched = [place for place, word in enumerate(words) if _touch(word, start, end)]
        free = [place for place in touched if tags[place] == OUTSIDE]  # of overlapping spans the first, longer one
        if len(free) < len(touched):
            left_out += 1
        elif touched:
            tags[touched[0] : touched[-1] + 1] = written(len(touched), label, "bio")
    return tags, left_out


def _touch(word: Word, start: int, end: int) -> bool:
    return word.start < end and start < word.end


def _span(given: Any) -> tuple[int, int, str]:
    if isinstance(given, Mapping):
        values = [next((given[key] for key in keys if key in given), None) for keys in _KEYS]
    else:
        values = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else []
    try:
        start, end, label = values
        return int(str(start)), int(str(end)), str(label)
    except (TypeError, ValueError):
        raise ValueError(f"{str(given)[:80]} is no span: start, end and label are needed") from None
