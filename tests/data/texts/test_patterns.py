"""Regular expressions of users."""

from __future__ import annotations

import time

import pytest

from oreline.data.texts.patterns import Patterns
from oreline.errors import UsageError


@pytest.mark.parametrize("pattern", ["(?=a)b", r"(a)\1", "(?<!a)b", "(", "[", "a{2000}"])
def test_what_re2_does_not_know_is_refused_with_what_it_knows(pattern: str):
    with pytest.raises(UsageError, match="RE2 does not know the pattern") as caught:
        Patterns(["fine", pattern], owner="drop_matching")
    assert "look-around" in str(caught.value)
    assert "github.com/google/re2/wiki/Syntax" in str(caught.value)


@pytest.mark.parametrize("pattern", ["", "x" * 20_000, 3])
def test_what_is_no_pattern_is_refused(pattern: object):
    with pytest.raises(UsageError, match="drop_matching: the pattern"):
        Patterns({"mine": pattern}, owner="drop_matching")


def test_a_pattern_that_would_backtrack_for_ever_does_not():
    started = time.process_time()
    assert Patterns(["(a+)+$"], owner="x").first(["a" * 5000 + "b"]) == [None]
    assert time.process_time() - started < 5


def test_chinese_and_names():
    found = Patterns({"a": "电影", "b": r"\p{Han}{4}"}, owner="x").first(["看电影", "天天向上", "no", "", None])
    assert found == ["a", "b", None, None, None]
    assert Patterns([], owner="x").first(["a"]) == [None]
