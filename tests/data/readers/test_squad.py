"""SQuAD's nested JSON: which files are read so, what becomes of each question, what is refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import oreline as ore
from oreline.data.readers.squad import Reader
from oreline.data.sources import frames, reader_of
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


@pytest.mark.parametrize("behind", [False, True], ids=["title and context first", "title and context last"])
def test_of_a_file_that_breaks_off_the_questions_before_the_break_are_kept(tmp_path: Path, *, behind: bool) -> None:
    asked = [{"id": f"{number}", "question": f"Question {number}?", "answers": []} for number in range(300)]
    paragraphs = [{"context": f"c{at}", "qas": asked[at : at + 10]} for at in range(0, 300, 10)]
    articles = [{"title": f"T{at}", "paragraphs": paragraphs[at : at + 3]} for at in range(0, 30, 3)]
    if behind:
        articles = [
            {"paragraphs": [dict(reversed(part.items())) for part in article["paragraphs"]], "title": article["title"]}
            for article in articles
        ]
    file = write(tmp_path / "train.json", *articles)
    whole = pl.concat(frames(file))
    packed = tmp_path / "train.json.gz"
    packed.write_bytes(gzip.compress(file.read_bytes())[:-300])
    notes: list[str] = []
    kept = pl.concat(frames(packed, note=notes.append)).drop("row_id")
    assert 100 < kept.height < 300
    assert kept.drop("group").equals(whole.drop("row_id", "group").head(kept.height))
    assert (kept["group"] == whole["group"].head(kept.height)).mean() > 0.9
    assert ["breaks off" in note for note in notes] == [True]


def test_a_row_is_named_where_the_text_is_broken(tmp_path: Path) -> None:
    file = write(tmp_path / "a.json", {"title": "A", "paragraphs": [ACME]}, {"title": "B", "paragraphs": [CMRC]})
    file.write_bytes(file.read_bytes().replace("哪一年".encode(), b"\xe6\x88"))
    with pytest.raises(DataError) as caught:
        list(Reader().frames(file, rows=10))
    assert caught.value.where == f"{file}, B"
    assert "encodings" in caught.value.remedy or "correct that row" in caught.value.remedy


def test_half_a_surrogate_pair_and_what_stands_behind_the_end(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    text = json.dumps({"data": [with_question(question="a \ud800")]})
    file.write_text(text)
    with pytest.raises(DataError, match="half of a surrogate"):
        list(Reader().frames(file, rows=10))
    file.write_text(json.dumps({"data": [with_question()]}) + "]")
    with pytest.raises(DataError, match="behind the end"):
        list(Reader().frames(file, rows=10))
