"""Before and after in one line, so that a reader sees what was changed."""

from __future__ import annotations

import pytest

from oreline.data.augment.differences import side_by_side


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("a b c", "c b a", ("⟦a⟧ b ⟦c⟧", "⟦c⟧ b ⟦a⟧")),
        ("same", "same", ("same", "same")),
        ("书很好看", "书非常好看", ("书⟦很⟧好看", "书⟦非常⟧好看")),
        ("", "new", ("⟦⟧", "⟦new⟧")),
        ("cannot go", "can not go", ("⟦cannot⟧ go", "⟦can not⟧ go")),
    ],
)
def test_what_differs_stands_in_brackets(before: str, after: str, shown: tuple[str, str]) -> None:
    assert side_by_side(before, after) == shown


@pytest.mark.parametrize(("filler", "old", "new"), [("word ", "good", "fine"), ("这家店", "好", "棒")])
def test_a_long_text_is_cut_around_the_first_difference(filler: str, old: str, new: str) -> None:
    texts = [filler * 200 + value + " " + filler * 200 for value in (old, new)]
    for shown, value in zip(side_by_side(*texts, 100), (old, new)):
        assert f"⟦{value}⟧" in shown
        assert shown.startswith("…")
        assert shown.endswith("…")
        assert not shown.startswith("…ord"), "a word is not cut at its beginning"
        assert len(shown) < 110


def test_brackets_are_closed_where_a_text_is_cut() -> None:
    before, after = side_by_side("a", "b" * 500, 50)
    assert (before, after) == ("⟦a⟧", f"⟦{'b' * 50}⟧…")
