"""The parts of a row that are explained, and the row without some of their words."""

from __future__ import annotations

import json

import pytest

from oreline import registry
from oreline.errors import DataError, UsageError
from oreline.explain.part import Place, parts_of, row_of, variants
from oreline.words import units

DIALOGUE = [
    {"role": "user", "content": "Is it open?"},
    {"role": "assistant", "content": "Yes."},
    {"role": "user", "content": "On Sunday too?"},
]
CHAT = registry.create("task", "chat", template="{{ messages }}", end="</s>")
CLASSES = registry.create("task", "text_classification", labels=["a", "b"])
TAGS = registry.create("task", "token_classification", labels=["O", "B-X", "I-X"])
QUESTIONS = registry.create("task", "question_answering")


def test_of_a_dialogue_the_last_turn() -> None:
    [part] = parts_of(CHAT, {"text": json.dumps(DIALOGUE)})
    assert part.text == "On Sunday too?"
    assert json.loads(part.left([part.words[1]])) == [*DIALOGUE[:2], {"role": "user", "content": "On too?"}]
    assert json.loads(part.left(part.words))[-1]["content"] == "…"
    assert "last turn" in part.note


@pytest.mark.parametrize("given", ["[1] On Sunday?", "[]", '[{"role": "nobody", "content": "a"}]'])
def test_whatever_is_no_dialogue_is_a_text(given: str) -> None:
    [part] = parts_of(CHAT, {"text": given})
    assert (part.text, part.note) == (given, "")
    assert part.left(part.words) == "…"


def test_other_tasks_read_a_text_that_looks_like_a_dialogue_as_it_stands() -> None:
    [part] = parts_of(CLASSES, {"text": json.dumps(DIALOGUE)})
    assert (part.text, part.left(part.words).strip(), part.note) == (json.dumps(DIALOGUE), "", "")


@pytest.mark.parametrize("text", ["Don't buy well-made it!!", "这部电影很好看，iPhone😀", "e\u0301tude  in\tNew York"])
def test_where_answers_are_places_none_moves(text: str) -> None:
    for task, row, role in (
        (TAGS, {"text": text}, "text"),
        (QUESTIONS, {"text": "a b", "text_pair": text}, "text_pair"),
    ):
        part = parts_of(task, row)[-1]
        assert part.role == role
        for word in part.words:
            left = units(part.left([word]))
            gone = [place for place, unit in enumerate(units(text)) if word.start <= unit.start < word.end]
            assert [place for place, unit in enumerate(left) if unit.word == "…"] == gone
            assert len(left) == len(units(text))
    assert parts_of(QUESTIONS, {"text": "a b", "text_pair": "c"})[0].left(units("a b")[:1]) == "b"


def test_a_list_of_words_keeps_its_own() -> None:
    [part] = parts_of(TAGS, {"text": '["New York", "is", "大"]'})
    assert part.text == "New York is 大"
    assert [word for word, _, _ in part.words] == ["New York", "is", "大"]
    assert json.loads(part.left(part.words[:1])) == ["…", "is", "大"]
    [plain] = parts_of(CLASSES, {"text": '["a"]'})
    assert plain.text == '["a"]'


def test_variants_leave_words_out_of_any_part() -> None:
    row = {"text": "a b", "text_pair": "c d"}
    first, second = parts_of(registry.create("task", "pair", labels=["x", "y"]), row)
    both = [Place(first, first.words[0]), Place(second, second.words[1])]
    assert variants(row, [both[:1], both]) == {"text": ["a b", "b", "b"], "text_pair": ["c d", "c d", "c "]}
    assert variants(row, []) == {"text": ["a b"], "text_pair": ["c d"]}


def test_a_row_comes_as_a_text_or_by_role() -> None:
    assert row_of(CLASSES, "a") == row_of(CLASSES, {"text": "a", "label": 3}) == {"text": "a"}
    assert row_of(TAGS, {"text": ["New", "York"]}) == {"text": '["New", "York"]'}
    assert json.loads(row_of(CHAT, {"messages": DIALOGUE})["text"]) == DIALOGUE
    assert row_of(registry.create("task", "embedding"), {"text": "a", "text_pair": "b"}) == {
        "text": "a",
        "text_pair": "b",
    }
    with pytest.raises(UsageError, match="there is no text_pair") as caught:
        row_of(QUESTIONS, "Who?")
    assert caught.value.remedy == 'give it: --text-pair "…"'
    with pytest.raises(UsageError, match="text is float, not a string"):
        row_of(CLASSES, {"text": 1.5})
    with pytest.raises(UsageError, match="a second text is given, and the model reads one"):
        row_of(CLASSES, {"text": "a", "text_pair": "b"})
    with pytest.raises(DataError, match="no relation can be told"):
        row_of(registry.create("task", "relation", labels=["x", "y"]), "no marks")


def test_marked_entities_are_weighed_and_stay_readable_without_their_words() -> None:
    task = registry.create("task", "relation", labels=["x", "y"])
    row = {"text": "The <e1:PER>Ann Lee</e1> 在 <e2:ORG>北京公司</e2>工作."}
    [part] = parts_of(task, row)
    assert {"Ann", "Lee", "PER", "北京", "公司", "工作"} <= {word.word for word in part.words}
    for words in (*([word] for word in part.words), part.words):
        assert task.fault({"text": part.left(words)}) is None
    [entity] = [word for word in part.words if word.word == "Lee"]
    assert part.left([entity]) == row["text"].replace("Lee", "…")
