"""Texts, dialogues, marked texts and words, rewritten with places that hold."""

from __future__ import annotations

import json

import pytest

from oreline.data.pii.actions import Substitutes
from oreline.data.pii.kinds import kinds_of
from oreline.data.pii.rewrite import (
    Edit,
    Rewritten,
    dialogue_cell,
    marked_cell,
    moved,
    moved_answers,
    rewritten,
    tagged_cell,
)
from oreline.data.pii.spans import Span

KINDS = kinds_of(["mobile", "email"])
MASKS = Substitutes(KINDS, {"mobile": "mask", "email": "flag"}, key=None, language="auto", reversible=False)


def test_offsets_point_to_the_value_and_its_substitute() -> None:
    text = "打13812345678或a@b.cn或13912345678"
    spans = [Span(1, 12, "mobile"), Span(13, 19, "email"), Span(20, 31, "mobile")]
    new, edits = rewritten(text, spans, MASKS)
    assert new == "打[手机号]或a@b.cn或[手机号]"
    assert [text[edit.start : edit.end] for edit in edits] == ["13812345678", "a@b.cn", "13912345678"]
    assert [new[edit.new_start : edit.new_end] for edit in edits] == ["[手机号]", "a@b.cn", "[手机号]"]
    assert "138" not in json.dumps(edits)


@pytest.mark.parametrize(
    ("part", "moves_to"),
    [((0, 2), (0, 2)), ((5, 9), (3, 7)), ((3, 4), (2, 3)), ((1, 3), (1, 3)), ((4, 6), (2, 4)), ((0, 9), (0, 7))],
)
def test_parts_move_with_the_text(part: tuple[int, int], moves_to: tuple[int, int]) -> None:
    assert moved(*part, [Edit("qq", "mask", 2, 5, 2, 3)]) == moves_to


def test_answers_point_into_the_new_context() -> None:
    context = "Ann has 13812345678 and lives in Rome."
    new = rewritten(context, [Span(8, 19, "mobile")], MASKS)
    answers = [
        {"text": "Rome", "start": 33},
        {"text": "13812345678", "start": 8},
        {"text": "5678 and", "start": 15},
        {"text": "x", "start": None},
    ]
    made = json.loads(moved_answers(json.dumps(answers), new))
    assert [new.text[a["start"] :].startswith(a["text"]) for a in made[:3]] == [True] * 3
    assert [a["text"] for a in made] == ["Rome", "[PHONE]", "[PHONE] and", "x"]


def test_a_dialogue_stays_one() -> None:
    cell = dialogue_cell('[{"from": "human", "value": "打\\n13812345678"}, {"from": "gpt", "value": "好"}]')
    assert cell is not None
    assert cell.texts == ["打\n13812345678", "好"]
    made = cell.rebuilt([rewritten(cell.texts[0], [Span(2, 13, "mobile")], MASKS), Rewritten("好", [])])
    assert json.loads(made) == [{"role": "user", "content": "打\n[手机号]"}, {"role": "assistant", "content": "好"}]
    assert dialogue_cell("[1] Hello") is None
    assert dialogue_cell('[{"role": "nobody", "content": "x"}]') is None


def test_marks_stay_around_their_entities() -> None:
    cell = marked_cell("打13812345678给<e1:PER>张三</e1>，他在<e2>北京</e2>")
    assert cell is not None
    made = cell.rebuilt([rewritten(cell.texts[0], [Span(1, 12, "mobile")], MASKS)])
    assert made == "打[手机号]给<e1:PER>张三</e1>，他在<e2>北京</e2>"
    assert marked_cell("no <e1>marks") is None


@pytest.mark.parametrize(
    ("given", "text", "made"),
    [
        (
            '["Call", "138", "1234", "5678", "now"]',
            "Call 138 1234 5678 now",
            ["Call", "[PHONE]", "[PHONE]", "[PHONE]", "now"],
        ),
        (json.dumps(list("打13812345678啊"), ensure_ascii=False), "打13812345678啊", ["打", *["[手机号]"] * 11, "啊"]),
        ("打13812345678啊", "打13812345678啊", ["打", "[手机号]", "啊"]),
    ],
)
def test_there_are_as_many_words_as_before(given: str, text: str, made: list[str]) -> None:
    cell = tagged_cell(given)
    assert cell.texts == [text]
    start = text.index("138")
    end = text.index("5678") + 4
    assert json.loads(cell.rebuilt([rewritten(text, [Span(start, end, "mobile")], MASKS)])) == made
