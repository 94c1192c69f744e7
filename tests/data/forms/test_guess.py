"""What rows seem to be for: names and values have to agree, and a sentence says why."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from oreline.data.forms.guess import guess_task

N = range(40)
TEXTS = [f"the film number {n} is good" for n in N]
OTHERS = [f"it was made in {1900 + n} by Ann" for n in N]
MESSAGES = [[{"role": "user", "content": text}, {"role": "assistant", "content": "yes"}] for text in TEXTS]
WORDS = [["Ann", "works", "for", "Acme"]] * 40
TAGS = [["B-PER", "O", "O", "B-ORG"]] * 40
HALF = ["a", "b"] * 20


@pytest.mark.parametrize(
    ("columns", "task", "roles"),
    [
        ({"id": list(N), "messages": MESSAGES}, "chat", {"messages": "messages"}),
        ({"instruction": TEXTS, "input": OTHERS, "output": TEXTS}, "chat", {"messages": "instruction"}),
        ({"tokens": WORDS, "ner_tags": TAGS}, "token_classification", {"text": "tokens", "tags": "ner_tags"}),
        ({"text": TEXTS, "tags": ["O O O B-N O O"] * 40}, "token_classification", {"text": "text", "tags": "tags"}),
        ({"words": WORDS, "slots": TAGS, "intent": HALF}, "intent_slots",
         {"text": "words", "tags": "slots", "label": "intent"}),
        ({"text": WORDS, "head": [[0, 1]] * 40, "tail": [[3, 4]] * 40, "relation": HALF}, "relation",
         {"text": "text", "head": "head", "tail": "tail", "label": "relation"}),
        ({"sentence": ["Ann met Bob"] * 40, "subj": ["Ann"] * 40, "obj": ["Bob"] * 40, "label": HALF}, "relation",
         {"text": "sentence", "head": "subj", "tail": "obj", "label": "label"}),
        ({"text": ["<e1>Ann</e1> met <e2>Bob</e2>"] * 40, "label": HALF}, "relation", {"text": "text", "label": "label"}),
        ({"Question": TEXTS, "Context": OTHERS, "Answers": [{"text": ["Ann"], "answer_start": [19]}] * 40},
         "question_answering", {"text": "Question", "text_pair": "Context", "answers": "Answers"}),
        ({"问题": TEXTS, "文章": OTHERS, "答案": ["Ann", None] * 20}, "question_answering",
         {"text": "问题", "text_pair": "文章", "answers": "答案"}),
        ({"premise": TEXTS, "hypothesis": OTHERS, "label": HALF}, "pair",
         {"text": "premise", "text_pair": "hypothesis", "label": "label"}),
        ({"sentence1": TEXTS, "sentence2": OTHERS, "score": [n / 40 for n in N]}, "similarity",
         {"text": "sentence1", "text_pair": "sentence2", "label": "score"}),
        ({"query": TEXTS, "positive": OTHERS, "negative": TEXTS}, "embedding",
         {"text": "query", "text_pair": "positive", "negative": "negative"}),
        ({"question": TEXTS, "answer": OTHERS, "category": HALF}, "embedding", {"text": "question", "text_pair": "answer"}),
        ({"source": TEXTS, "target": OTHERS}, "seq2seq", {"text": "source", "target_text": "target"}),
        ({"text": TEXTS, "labels": [["a"], ["a", "b"]] * 20}, "multilabel", {"text": "text", "label": "labels"}),
    ],
)  # fmt: skip
def test_what_rows_are_for(columns: dict[str, Any], task: str, roles: dict[str, str]) -> None:
    found = guess_task(pl.DataFrame(columns))
    assert found is not None
    assert (found.task, found.roles) == (task, roles)
    assert all(repr(column) in found.why for role, column in roles.items() if role not in ("negative", "label"))


@pytest.mark.parametrize(
    "columns",
    [
        {"text": TEXTS, "label": HALF},
        {"text": TEXTS, "tags": HALF},  # a label, though it is called tags
        {"tokens": WORDS, "ner_tags": [[1, 0, 0, 2]] * 40},  # numbers of classes, whose names are not here
        {"text": TEXTS, "head": ["Rome"] * 40, "tail": ["Ann"] * 40, "label": HALF},  # words that are not in the text
        {"messages": TEXTS, "n": list(N)},
        {"source": HALF, "target": TEXTS},  # where a row comes from
        {"a": TEXTS, "b": OTHERS},
    ],
)
def test_names_alone_or_values_alone_say_nothing(columns: dict[str, Any]) -> None:
    assert guess_task(pl.DataFrame(columns)) is None


def test_answers_that_are_not_in_their_context_are_no_spans() -> None:
    found = guess_task(pl.DataFrame({"question": TEXTS, "context": OTHERS, "answer": ["nowhere"] * 40}))
    assert found is None or found.task != "question_answering"
