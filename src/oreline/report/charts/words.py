"""Texts whose words are coloured by how much they speak for an answer, or against it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from oreline.report.markup import Markup, join, tag

STEPS = 5
"""Shades of each of the two colours."""
_LEAST = 0.04
"""Share of the largest weight below which a word has no colour."""


def draw(data: Mapping[str, Any], title: str) -> Markup:
    """Return the texts of `{"texts": [{"name", "text", "words": [{"start", "end", "weight"}, …], "span"}, …]}`.

    Words are in order and do not overlap; `span` are two places in the text between which the answer stands, or None.
    """
    weights = [abs(word["weight"]) for text in data["texts"] for word in text["words"]]
    most = max(weights, default=0.0)
    # A text alone needs no name.
    named = len(data["texts"]) > 1
    return tag("div", *(_text(text, most, named=named) for text in data["texts"]), class_="words", aria_label=title)


def legend() -> Markup:
    """Return what the colours mean."""
    entries = [
        tag("li", tag("span", class_=f"key {side}", aria_hidden="true"), name)
        for side, name in (("right", "speaks for the answer"), ("wrong", "speaks against it"))
    ]
    return tag("ul", *entries, class_="legend")


def shade(weight: float, most: float) -> str:
    """Return the classes of a word's colour; none where its weight is next to nothing.

    >>> shade(0.5, 1.0), shade(-1.0, 1.0), shade(0.01, 1.0), shade(0.0, 0.0)
    ('for w3', 'against w5', '', '')
    """
    if not most or abs(weight) / most < _LEAST:
        return ""
    return f"{'for' if weight > 0 else 'against'} w{max(math.ceil(abs(weight) / most * STEPS), 1)}"


def _text(entry: Mapping[str, Any], most: float, *, named: bool) -> Markup:
    name = tag("b", entry["name"]) if named else Markup("")
    return tag("div", name, tag("p", *_pieces(entry, most), dir="auto"))


def _pieces(entry: Mapping[str, Any], most: float) -> Iterator[Markup]:
    """Yield a text piece by piece: words in their colours, what is between them, the answer underlined."""
    text, weights = entry["text"], {(word["start"], word["end"]): word["weight"] for word in entry["words"]}
    begin, end = entry.get("span") or (0, 0)
    places = {0, len(text), begin, end, *(place for word in weights for place in word)}
    cuts = sorted(place for place in places if place <= len(text))
    for start, stop in itertools.pairwise(cuts):
        word = next(((first, last) for first, last in weights if first <= start and stop <= last), None)
        answer = "answer" if begin <= start and stop <= end else ""
        look = " ".join(filter(None, (shade(weights[word], most) if word else "", answer)))
        tip = f"{weights[word]:+.3f}" if word else None
        yield tag("span", text[start:stop], class_=look or None, title=tip) if look or tip else join([text[start:stop]])
