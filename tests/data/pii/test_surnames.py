"""How far a name goes that begins with a surname."""

from __future__ import annotations

import pytest

from oreline.data.pii.surnames import is_name, is_surname, name_length


@pytest.mark.parametrize(
    ("run", "length"),
    [("李雷今年三岁", 2), ("欧阳修已到", 3), ("阿凡提·买买提", 7), ("高度近视", 0), ("李", 0), ("程志玲", 3)],
)
def test_a_name_ends_where_a_word_begins(run: str, length: int) -> None:
    assert name_length(run) == length


def test_surnames_that_are_words_need_an_end() -> None:
    assert is_surname("常睿语")
    assert is_surname("李雷电话如下")
    assert not is_surname("常常打不通电话")


@pytest.mark.parametrize("value", ["谢谢", "高清屏", "全部", "马上", "金色的", "金"])
def test_words_are_no_names(value: str) -> None:
    assert not is_name(value)


@pytest.mark.parametrize("value", ["骆永红", "慕容诗", "司徒永康", "蔡一"])
def test_names_are_names(value: str) -> None:
    assert is_name(value)
