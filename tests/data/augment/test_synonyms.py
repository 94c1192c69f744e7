"""Synonyms from files and from vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oreline.data.augment.synonyms import nearest_words, read_synonyms, vocabulary
from oreline.errors import DataError


def test_lines_of_words(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text(
        "# mine\nHappy glad, cheerful\n好看 漂亮、美\n\nalone\nAa01A01= 人 士 人物\nAa01A02# 类 种\nhappy content\n",
        "utf-8",
    )
    found = read_synonyms(file)
    assert found["happy"] == ["glad", "cheerful", "content"]
    assert found["glad"] == ["Happy", "cheerful"]
    assert found["漂亮"] == ["好看", "美"]
    assert found["人"] == ["士", "人物"]
    assert not {"类", "alone", "aa01a01="} & set(found)


def test_json_lines_with_codes(tmp_path: Path) -> None:
    file = tmp_path / "cilin.jsonl"
    file.write_text(
        '{"code": "Aa01A01=", "words": ["人", "士"]}\n{"code": "Aa", "words": ["甲", "乙"]}\n'
        '{"code": "Aa01A03@", "words": ["丙", "丁"]}\n{"words": ["glad", "happy", "very glad"]}\n',
        "utf-8",
    )
    assert read_synonyms(file) == {"人": ["士"], "士": ["人"], "glad": ["happy"], "happy": ["glad"]}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", b"alone\n", "holds no synonyms"),
        ("a.txt", "好 坏".encode("gbk"), "no UTF-8"),
        ("a.jsonl", b'{"words": "happy"}\n[1]\n', "no group"),
        ("a.jsonl", b'{"words": [1, 2]}\n', "no group"),
    ],
)
def test_files_that_are_none(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_synonyms(tmp_path / name)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_synonyms(tmp_path / "none.txt")


def test_the_vocabulary_says_something() -> None:
    assert vocabulary(["The film is not a film 3", "电影的电影", "x"], most=2) == ["film", "电影"]


def test_nearest_words_are_mutual_and_no_forms() -> None:
    places: dict[str, Any] = {
        "glad": [1, 0], "happy": [1, 0.1], "sad": [-1, 0.1], "film": [0, 1], "films": [0.01, 1], "movie": [0.02, 1],
    }  # fmt: skip

    def embed(words: Sequence[str]) -> Any:
        return np.array([places[word] for word in words], np.float32)

    found = nearest_words(list(places), embed, 0.9)
    assert found == {
        "glad": ["happy"],
        "happy": ["glad"],
        "film": ["movie"],
        "films": ["movie"],
        "movie": ["films", "film"],
    }
    assert nearest_words(["one"], embed, 0.9) == {}
