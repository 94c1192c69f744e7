"""Entities exchanged for others: tags follow, in every scheme; texts by what a model finds."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import polars as pl
import pytest

from oreline.data.augment.entities import Exchange, Scheme, Span, pools_of_tags, spans_by, tag_scheme
from oreline.data.augment.making import Row
from oreline.metrics.tags import entities
from oreline.words import as_cell, words_of

ROWS = pl.DataFrame(
    {
        "text": [as_cell(["Ann", "Lee", "lives", "in", "Rome"]), as_cell(["Bob", "left", "New", "York"]), "李明在北京"],
        "tags": [
            as_cell(["B-PER", "I-PER", "O", "O", "B-LOC"]),
            as_cell(["B-PER", "O", "B-LOC", "I-LOC"]),
            as_cell(["B-PER", "I-PER", "O", "B-LOC", "I-LOC"]),
        ],
    }
)


def test_pools_hold_each_entity_once_by_type() -> None:
    pools = pools_of_tags([ROWS, ROWS], Scheme("bio", {}), ())
    assert pools == {"LOC": ["\x1fRome", "\x1fNew\x1fYork", "北京"], "PER": ["\x1fAnn\x1fLee", "\x1fBob", "李明"]}
    assert pools_of_tags([ROWS], Scheme("bio", {}), ["LOC"]).keys() == {"LOC"}
    assert pools_of_tags([ROWS.head(1)], Scheme("bio", {}), ()) == {}, "nothing to exchange with"


def test_tags_follow_in_lists_and_in_texts() -> None:
    exchange = Exchange(pools_of_tags([ROWS], Scheme("bio", {}), ()), 1.0, Scheme("bio", {}))
    seen = set()
    for number, (text, tags) in enumerate(ROWS.iter_rows()):
        for variant in exchange.of_tags(Row("a:1", text, tags, None), random.Random(number), 20):
            assert variant is not None
            written, words = words_of(variant.text)
            given = json.loads(variant.tags or "")
            assert len(words) == len(given)
            found = [(e.label, written[words[e.start].start : words[e.end - 1].end]) for e in entities(given, "bio")]
            assert [label for label, _ in found] == ["PER", "LOC"]
            assert found[0][1].replace(" ", "") in {"AnnLee", "Bob", "李明"}
            assert found[1][1].replace(" ", "") in {"Rome", "NewYork", "北京"}
            assert variant.how == "entity: LOC, PER"
            seen.add((number, *found))
    assert len(seen) > 12


def test_words_that_run_together_are_refused() -> None:
    exchange = Exchange({"LOC": ["Rome"]}, 1.0, Scheme("bio", {}))
    row = Row("a:1", "去北京x", as_cell(["O", "B-LOC", "I-LOC", "O"]), None)
    assert exchange.of_tags(row, random.Random(0), 2) == [None, None]


@pytest.mark.parametrize(
    ("tags", "scheme", "written"),
    [
        (["B-LOC", "I-LOC", "O"], ("bio", {}), ["B-LOC", "I-LOC", "I-LOC"]),
        (["B-LOC", "E-LOC", "S-LOC"], ("bioes", {}), ["B-LOC", "I-LOC", "E-LOC"]),
        (["B-LOC", "M-LOC", "E-LOC", "S-LOC"], ("bioes", {"I": "M"}), ["B-LOC", "M-LOC", "E-LOC"]),
        (["B-LOC", "I-LOC", "L-LOC", "U-LOC"], ("bioes", {"E": "L", "S": "U"}), ["B-LOC", "I-LOC", "L-LOC"]),
        (["I-LOC", "O"], ("bio", {"B": "I"}), ["I-LOC", "I-LOC", "I-LOC"]),
    ],
)
def test_each_scheme_is_written_as_the_rows_do(
    tags: list[str], scheme: tuple[str, dict[str, str]], written: list[str]
) -> None:
    found = tag_scheme([pl.DataFrame({"tags": [as_cell(tags)]})])
    assert (found.name, found.letters) == scheme
    assert found.tags(3, "LOC") == written
    assert tag_scheme([pl.DataFrame({"tags": [as_cell(["NN", "VB"])]})]).name == "plain"


class Finder:
    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        found = [
            [
                {"label": "LOC", "start": text.find(place), "end": text.find(place) + len(place)}
                for place in ("Rome", "北京", "Rom")
                if place in text
            ]
            for text in texts
        ]
        return pl.DataFrame({"entities": found})


def test_texts_by_what_a_model_finds() -> None:
    texts = ["I live in Rome, 北京 is far", "nothing"]
    spans = spans_by(Finder(), texts)
    assert spans == [[Span(10, 14, "LOC"), Span(16, 18, "LOC")], []]
    exchange = Exchange({"LOC": ["Oslo"]}, 1.0, Scheme("bio", {}))
    [variant] = exchange.of_text(Row("a:1", texts[0], None, None), spans[0], random.Random(0), 1)
    assert variant is not None
    assert variant.text == "I live in Oslo, Oslo is far"
    assert exchange.of_text(Row("a:2", texts[1], None, None), spans[1], random.Random(0), 1) == []
