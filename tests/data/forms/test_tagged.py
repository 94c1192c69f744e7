"""Tags in every form that people have, and rows whose tags do not fit."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.forms.tagged import aligned, with_tags
from oreline.errors import DataError
from oreline.words import string_list, words_of


@pytest.mark.parametrize(
    ("text", "given", "words", "tags"),
    [
        ("EU rejects", "B-ORG O", ["EU", "rejects"], ["B-ORG", "O"]),
        ('["EU", "re jects"]', '["B-ORG", "O"]', ["EU", "re jects"], ["B-ORG", "O"]),
        ("3.5 %", ["O", "O"], ["3.5", "%"], ["O", "O"]),
        ("3.5 %", ["O"] * 4, ["3", ".", "5", "%"], ["O"] * 4),
        ("北京 x", ["B", "I", "O", "O"], ["北", "京", " ", "x"], ["B", "I", "O", "O"]),
        ("北京好", "B-L I-L O", ["北", "京", "好"], ["B-L", "I-L", "O"]),
        ("in New York.", [[3, 11, "L"]], ["in", "New", "York", "."], ["O", "B-L", "I-L", "O"]),
        ("in New York.", [], ["in", "New", "York", "."], ["O"] * 4),
        ("in York", '[{"start": 3, "end": 7, "label": "L"}]', ["in", "York"], ["O", "B-L"]),
        ("in York", '[{"start_offset": 3, "end_offset": 7, "type": "L"}]', ["in", "York"], ["O", "B-L"]),
        ("York", [[1, 3, "L"]], ["York"], ["B-L"]),
        ("我爱北京", '{"L": {"北京": [[2, 3]]}}', ["我", "爱", "北", "京"], ["O", "O", "B-L", "I-L"]),
        ("in York", {"L": {"York": [[3, 7]]}, "P": None}, ["in", "York"], ["O", "B-L"]),
        ("A A", {"L": {"A": [[0, 0], [2, 2]], "B": None}}, ["A", "A"], ["B-L", "B-L"]),
        ("in York", "{}", ["in", "York"], ["O", "O"]),
        ("a b c", [[0, 3, "X"], [2, 5, "Y"]], ["a", "b", "c"], ["B-X", "I-X", "O"]),
    ],
)
def test_forms(text: str, given: object, words: list[str], tags: list[str]) -> None:
    cell, found = aligned(text, given)
    assert [word for word, _, _ in words_of(cell)[1]] == words
    assert found == tags


@pytest.mark.parametrize(
    ("text", "given", "says"),
    [
        ("a b", "O", r"2 words \(2 at white space, 3 characters\) and 1 tag\n"),
        ("我爱北京", {"L": {"上海": [[2, 3]]}}, "the text has '北京' at 2 to 3, and not '上海'"),
        ("in York", {"L": ["York"]}, "the words of its entities with their places are needed"),
        ("in York", {"L": {"York": [3]}}, "3 is no span"),
        ("王芳住在上海", "O O", r"6 words \(1 at white space, 6 characters\) and 2 tags"),
        ('["a"]', '["O", "O"]', "1 word and 2 tags"),
        ('["a"]', "[]", "1 word and 0 tags"),
        ("abc", [[0, 4, "X"]], "outside of a text of 3 characters"),
        ("abc", [[2, 2, "X"]], "outside"),
        ("abc", [[0, "X"]], "is no span"),
        ("abc", [{"start": 0}], "is no span"),
    ],
)
def test_what_does_not_fit_names_its_row(text: str, given: object, says: str) -> None:
    frame = pl.DataFrame({"row_id": ["a.jsonl:7"], "text": [text], "tags": pl.Series([given], dtype=pl.Object)})
    with pytest.raises(DataError, match=says) as caught:
        with_tags(frame, "a.jsonl")
    assert caught.value.where == "a.jsonl:7"
    assert "one tag for each word" in caught.value.allowed


def test_rows_without_words_or_tags_have_neither() -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2", "a:3"], "text": ["[]", None, "x"], "tags": ["[]", "O", None]})
    found = with_tags(frame, "a")
    assert found["text"].to_list() == [None, None, "x"]
    assert found["tags"].to_list() == [None, None, None]
    kept = with_tags(pl.DataFrame({"row_id": ["a:1"], "text": ["x"], "tags": ["O"]}), "a")
    assert string_list(kept["tags"][0]) == ["O"]
