"""Triples scored strictly: by hand, with the true entities, where errors come from, rows that cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from oreline.errors import DataError
from oreline.evaluate.triples import evaluate_triples, gold_rows
from oreline.metrics.marked import Mention
from oreline.runtime.open import open_runtime
from oreline.runtime.triples import Triple

PER, ORG = [4, 9, "PER"], [15, 19, "ORG"]
ROWS = [
    {"text": "the great with dull", "triples": [{"head": PER, "relation": "works_for", "tail": ORG}]},
    {"text": "the great with dull", "triples": [{"head": PER, "relation": "owns", "tail": ORG}]},
    {"text": "the great with dull", "triples": [{"head": [0, 9, "PER"], "relation": "works_for", "tail": ORG}]},
    {"text": "the great and  dull", "triples": [], "entities": [PER, ORG]},
]


def test_by_hand(triple_models: Any) -> None:
    report = evaluate_triples(*map(open_runtime, triple_models), ROWS)
    values = {name: round(estimate.value, 4) for name, estimate in report.metrics.items()}
    assert values["triple_precision"] == values["triple_recall"] == values["triple_f1"] == round(1 / 3, 4)
    assert values["given_entities_triple_recall"] == round(2 / 3, 4)
    assert values["given_entities_triple_precision"] == round(2 / 3, 4)
    assert values["entity_precision"] == values["entity_recall"] == round(7 / 8, 4)
    assert report.metrics["triple_recall"].n == 3
    for estimate in report.metrics.values():
        assert estimate.low <= estimate.value <= estimate.high
    relations, origins, worst = report.tables
    assert {row[0] for row in relations.rows} == {"works_for", "owns"}
    counted = {row[0]: row[1] for row in origins.rows if row[1]}
    assert counted == {"entity missed": 1, "relation wrong": 1, "made up, entity": 1}
    assert [row[3] for row in worst.rows] == [2, 2]
    assert worst.rows[0][1] == "great \u00b7 owns \u00b7 dull"


def test_words_of_a_list_are_counted_as_words() -> None:
    [gold] = gold_rows(
        [{"text": ["Ann", "at", "Acme"], "triples": [{"head": [0, 1], "relation": "r", "tail": [2, 3]}]}]
    )
    assert gold.text == "Ann at Acme"
    assert gold.triples == [Triple(Mention(0, 3), "r", Mention(7, 11))]
    assert gold.entities == [Mention(0, 3), Mention(7, 11)]


def test_an_end_without_a_type_has_that_of_the_entity_at_its_place() -> None:
    told = [{"head": [4, 9], "relation": "r", "tail": [15, 19, "GPE"]}]
    [gold] = gold_rows([{"text": "the great with dull", "entities": [PER, ORG], "triples": told}])
    assert gold.triples == [Triple(Mention(4, 9, "PER"), "r", Mention(15, 19, "GPE"))]
    assert len(gold.entities) == 3


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"triples": []}, "no 'text'"),
        ({"text": "x"}, "no 'triples'"),
        ({"text": "x", "triples": [{"head": "x"}]}, "cannot be read: 'relation'"),
        ({"text": "x", "triples": [{"head": "y", "relation": "r", "tail": "x"}]}, "occurs 0 times"),
        ({"text": "x", "triples": [3]}, "cannot be read"),
    ],
)
def test_rows_that_cannot_be_read_are_named(row: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        gold_rows([{"text": "x", "triples": []}, row])
    assert caught.value.where == "row 2"


def test_no_rows(triple_models: Any) -> None:
    with pytest.raises(DataError, match="no rows"):
        evaluate_triples(*map(open_runtime, triple_models), [])
