"""What the report says of added and refused rows."""

from __future__ import annotations

from oreline.data.augment.accounting import Accounts


def test_counts_by_class_and_reason_with_examples() -> None:
    accounts = Accounts()
    for number in range(3):
        accounts.added("good" if number else None, "swap", f"a b {number}", f"b a {number}")
    accounts.added("bad", "drop", '["New", "York"]', "x" * 200)
    accounts.refused("empty")
    accounts.refused("empty", 2)
    accounts.seen(4, 1)
    accounts.notes.append("a note")
    found = accounts.findings("augment_words", 2)
    assert found["counts"] == {
        "rows asked": 4,
        "rows without a variant": 1,
        "variants added": 4,
        "refused: empty": 3,
    }
    assert found["alarms"] == ["a note"]
    by_class, refused, examples = found["tables"]
    assert by_class["rows"] == [["good", 2], ["(none)", 1], ["bad", 1]]
    assert refused["rows"] == [["empty", 3]]
    assert [row[:2] for row in examples["rows"]] == [
        ["drop", "⟦New York⟧"],
        ["swap", "⟦⟧a ⟦b ⟧0"],
        ["swap", "⟦⟧a ⟦b ⟧1"],
    ]
    assert examples["rows"][0][2] == f"⟦{'x' * 160}⟧…"
    assert Accounts().findings("x", 1)["tables"] == []
