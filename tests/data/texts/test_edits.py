"""Edits: columns, reasons, rounds, and cells that stand for several texts."""

from __future__ import annotations

import polars as pl

from oreline.data.texts.edits import as_read, each, edited, on_matches, replacing


def frame(*texts: str | None, **columns: list[str | None]) -> pl.DataFrame:
    ids = [f"a:{number}" for number in range(1, len(texts) + 1)]
    return pl.DataFrame({"row_id": ids, "text": list(texts), **columns}, schema_overrides={"text": pl.String})


def test_reasons_name_what_did_something_in_any_column() -> None:
    changes = {"a": replacing("a", ""), "b": replacing("b", "")}
    found = edited(
        frame("ab", "b", "c", None, text_pair=["c", "a", "c", "b"]), ("text", "text_pair", "absent"), changes
    )
    assert found["change_reason"].to_list() == ["a, b", "a, b", None, "b"]
    assert found["text"].to_list() == ["", "", "c", None]
    assert found["text_pair"].to_list() == ["c", "", "c", ""]


def test_columns_without_text_are_passed_over() -> None:
    rows = frame("aa").with_columns(number=pl.lit(7))
    assert edited(rows, ("text", "number"), {"a": replacing("a", "")}).row(0) == ("a:1", "", 7, "a")
    assert edited(frame(), ("text",), {"a": replacing("a", "")}).columns == ["row_id", "text", "change_reason"]


def test_what_tags_and_answers_count_is_left_alone_and_not_said_to_have_changed() -> None:
    changes = {"a": replacing("a", "")}
    tagged = frame("ab", tags=['["O"]'], text_pair=["ab"])
    assert edited(tagged, ("text", "text_pair"), changes).row(0) == ("a:1", "ab", '["O"]', "b", "a")
    answered = frame("b", answers=["[]"], text_pair=["ab"])
    assert edited(answered, ("text", "text_pair"), changes).row(0) == ("a:1", "b", "[]", "ab", None)


def test_rounds_go_on_until_a_text_settles() -> None:
    """`()` is taken out once a round: what was nested needs several."""
    changes = {"pair": replacing(r"\(\)", "")}
    assert edited(frame("((()))x", "y"), ("text",), changes, rounds=5)["text"].to_list() == ["x", "y"]
    assert edited(frame("((()))x"), ("text",), changes)["text"].to_list() == ["(())x"]


def test_what_does_not_settle_stays_as_it_was() -> None:
    turning = {"turn": each(lambda text: text[1:] + text[:1])}
    found = edited(frame("abc", "aaa"), ("text",), turning, rounds=4)
    assert found["text"].to_list() == ["abc", "aaa"]
    assert found["change_reason"].to_list() == [None, None]


def test_only_matching_texts_are_changed() -> None:
    seen: list[str] = []

    def change(text: str) -> str:
        seen.append(text)
        return text.upper()

    assert on_matches("b", change)(pl.Series(["ab", "ac", None])).to_list() == ["AB", "ac", None]
    assert seen == ["ab"]


def test_cells_are_read_as_what_they_stand_for() -> None:
    cells = [
        '[{"role": "user", "content": "你好"}, {"role": "assistant", "content": "Hi"}]',
        '["a", "b"]',
        "[{",
        "[1]",
        None,
    ]
    assert as_read(pl.Series(cells)).to_list() == ["你好\nHi", "a b", "[{", "[1]", None]
    broken = '[{"role": "nobody", "content": "x"}]'
    assert as_read(pl.Series([broken])).to_list() == [broken]
