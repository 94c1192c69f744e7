"""Triples from two models: which pairs are judged, in which order, and models of the wrong kind."""

from __future__ import annotations

from typing import Any

import pytest

from oreline.errors import DataError, UsageError
from oreline.metrics.marked import Mention
from oreline.runtime.open import open_runtime
from oreline.runtime.triples import Triple, plausible_types, triples, triples_of

TEXT = "the great with dull"
HEAD, TAIL = Mention(4, 9, "PER"), Mention(15, 19, "ORG")


def test_from_texts_to_triples(triple_models: Any) -> None:
    ner, relations = map(open_runtime, triple_models)
    assert plausible_types(relations.artifact) == {("PER", "ORG")}
    given = [[HEAD, TAIL], [], [HEAD._replace(type="ORG"), TAIL], [HEAD, TAIL]]
    none = TEXT.replace("with", "and ")
    first, second, third, fourth = triples(ner, relations, [TEXT, TEXT, TEXT, none], given=given)
    assert triples_of(first) == [Triple(HEAD, "works_for", TAIL)]
    assert first["triples"][0]["head"] == {"text": "great", "label": "PER", "start": 4, "end": 9}
    assert 0 < first["triples"][0]["score"] <= 1
    assert (second["triples"], third["triples"], fourth["triples"]) == ([], [], [])
    [found] = triples(ner, relations, [TEXT])
    assert {(entity["text"], entity["label"]) for entity in found["entities"]} == {("great", "PER"), ("dull", "ORG")}
    assert triples_of(found) == triples_of(first)
    assert list(triples(ner, relations, [])) == []
    with pytest.raises(DataError, match="has a mark already: </e1>") as caught:
        list(triples(ner, relations, [TEXT, f"{TEXT} </e1>"], given=[[], [HEAD, TAIL]]))
    assert caught.value.where == "text 2"


def test_models_for_other_tasks_are_refused(triple_models: Any, linear_model: Any) -> None:
    ner, relations = map(open_runtime, triple_models)
    with pytest.raises(UsageError, match="finds entities is one for relation"):
        list(triples(relations, relations, ["x"]))
    with pytest.raises(UsageError, match="tells relations is one for text_classification"):
        list(triples(ner, open_runtime(linear_model), ["x"]))
