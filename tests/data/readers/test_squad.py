"""SQuAD's nested JSON: which files are read so, what becomes of each question, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import oreline as ore
from oreline.data.readers.squad import Reader
from oreline.data.sources import reader_of
from oreline.errors import DataError

ACME = {
    "context": "Acme was founded in 1912.",
    "qas": [
        {
            "id": "a1",
            "question": "When?",
            "answers": [
                {"text": "1912", "answer_start": 20},
                {"text": "1912", "answer_start": 20},
                {"text": "in 1912", "answer_start": 17},
            ],
            "is_impossible": False,
        },
        {
            "id": "a2",
            "question": "Who owns it?",
            "answers": [],
            "is_impossible": True,
            "plausible_answers": [{"text": "Acme", "answer_start": 0}],
        },
    ],
}
CMRC = {
    "id": "T0",
    "context": "该公司成立于1912年。",
    "qas": [{"id": 7, "question": "成立于哪一年？", "answers": [{"id": "1", "text": "1912年", "answer_start": -1}]}],
}


def write(file: Path, *articles: Any, **others: Any) -> Path:
    file.write_text(json.dumps({**others, "data": list(articles)}, ensure_ascii=False, indent=others.get("indent")))
    return file


def with_question(**changes: Any) -> Any:
    return {"title": "T", "paragraphs": [{**ACME, "qas": [{**ACME["qas"][0], **changes}]}]}


def test_questions_become_rows_with_their_roles(tmp_path: Path) -> None:
    file = write(tmp_path / "train.json", {"title": "Acme", "paragraphs": [ACME]}, {"paragraphs": [CMRC]}, version="v2")
    data = ore.refine(str(file), split={}, out=tmp_path / "data")
    rows = data.frame("all").to_dicts()
    assert [row["text"] for row in rows] == ["When?", "Who owns it?", "成立于哪一年？"]
    assert [json.loads(row["answers"]) for row in rows] == [
        [{"text": "1912", "start": 20}, {"text": "in 1912", "start": 17}],
        [],
        [{"text": "1912年", "start": 6}],
    ]
    assert [row["group"] for row in rows] == ["Acme", "Acme", "article 2"]
    assert [row["id"] for row in rows] == ["a1", "a2", "7"]
    assert rows[1]["row_id"] == "train.json:2"
    assert [frame.height for frame in Reader().frames(file, rows=2)] == [2, 1]


@pytest.mark.parametrize("text", [
    '\ufeff{"data":[{"paragraphs":[]}]}',
    '{\n "version": "1.1",\n "num": 3, "data": [\n {"title": "a, \\u4e00", "paragraphs": [ ]}]}',
])  # fmt: skip
def test_a_file_is_known_by_how_it_begins(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert reader_of(tmp_path / "a.json") == "squad"


@pytest.mark.parametrize(
    "text", ['{"data": [1, 2]}\n', '{"text": "\\"data\\": [{", "label": 1}\n', '[{"data": 1}]', ""]
)
def test_other_json_is_read_as_before(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    assert reader_of(tmp_path / "a.json") == "jsonl"
    assert reader_of(tmp_path / "missing.json") == "jsonl"


@pytest.mark.parametrize(
    ("article", "what"),
    [
        ("x", "'x' stands where an object was expected"),
        ({"title": "T"}, "'paragraphs' is missing"),
        ({"title": "T", "paragraphs": [{"qas": []}]}, "a paragraph has no context"),
        (with_question(question=None), "a question has no text"),
        (with_question(answers=None), "no list of answers, and is not said to be impossible"),
        (with_question(is_impossible=True), "said to be impossible, and has 3 answers"),
        (with_question(answers=[{"answer_start": 3}]), "is no answer"),
        (with_question(answers=[{"text": "1912", "answer_start": "3"}]), "is no answer"),
    ],
)
def test_what_cannot_be_read_is_named(article: Any, what: str, tmp_path: Path) -> None:
    file = write(tmp_path / "a.json", article)
    with pytest.raises(DataError, match=what) as caught:
        list(Reader().frames(file, rows=10))
    assert str(file) in str(caught.value.where)


def test_a_file_to_be_answered_has_no_column_of_answers(tmp_path: Path) -> None:
    asked = [{"id": "a", "question": "When?"}, {"id": "b", "question": "Who?"}]
    file = write(tmp_path / "a.json", {"title": "T", "paragraphs": [{"context": "c", "qas": asked}]})
    [frame] = Reader().frames(file, rows=10)
    assert frame.columns == ["id", "group", "text", "text_pair"]


def test_a_file_that_ends_too_early_is_no_json(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"data": [{"title": "T", "paragraphs": [')
    with pytest.raises(DataError, match="not JSON"):
        list(Reader().frames(file, rows=10))
