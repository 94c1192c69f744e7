"""All formats together, line ends, and columns."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from oreline.data.operators.strip_markup import Operator
from oreline.errors import UsageError


def stripped(text: str, **options: Any) -> tuple[str, str | None]:
    return (
        Operator(**options)
        .edit(pl.DataFrame({"row_id": ["a:1"], "text": [text]}))
        .select("text", "change_reason")
        .row(0)
    )


@pytest.mark.parametrize(
    ("text", "expected", "reason"),
    [
        ("Fine.<br /><br />Very fine.", "Fine.\nVery fine.", "html"),
        ("<p>\n  一\n</p>\n<p>二</p>", "一\n二", "html"),
        ("[b]a[/b] **b** \\emph{c} <i>d</i>", "a b c d", "html, bbcode, markdown, latex"),
        ("un<i>believ</i>able", "unbelievable", "html"),
        ("a < b > c [1] * d\n\n\n", "a < b > c [1] * d\n\n\n", None),
        ("<<b>b>deep", "deep", "html"),
        ('["EU", "rejects", "<b>"]', '["EU", "rejects", ""]', "html"),
    ],
)
def test_formats_together(text: str, expected: str, reason: str | None) -> None:
    assert stripped(text) == (expected, reason)


def test_only_the_formats_that_are_named() -> None:
    assert stripped("<b>a</b> **b**", formats=["markdown"]) == ("<b>a</b> b", "markdown")
    with pytest.raises(UsageError, match="formats"):
        Operator(formats=["rtf"])  # type: ignore[list-item]


def test_other_columns_and_nulls() -> None:
    frame = pl.DataFrame(
        {"row_id": ["a:1"], "text": [None], "target_text": ["<b>x</b>"], "note": ["<b>"]},
        schema_overrides={"text": pl.String},
    )
    assert Operator().edit(frame).row(0) == ("a:1", None, "x", "<b>", "html")
