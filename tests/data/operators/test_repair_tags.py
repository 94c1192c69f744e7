"""Tags that break their scheme are written anew."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.operators.repair_tags import Operator
from oreline.errors import UsageError


@pytest.mark.parametrize(
    ("scheme", "tags", "repaired"),
    [
        (None, '["I-X", "I-X", "O"]', '["B-X", "I-X", "O"]'),
        (None, '["B-X", "O", "S-X"]', '["S-X", "O", "S-X"]'),
        ("bioes", '["B-X", "I-X"]', '["B-X", "E-X"]'),
        ("bio", '["S-X", "B-Y", "E-Y"]', '["B-X", "B-Y", "I-Y"]'),
        ("bioes", '["NN", "VB"]', '["NN", "VB"]'),
        (None, None, None),
    ],
)
def test_tags_name_the_same_entities(scheme: str | None, tags: str | None, repaired: str | None) -> None:
    frame = pl.DataFrame({"row_id": ["a:1"], "text": ["a b c"], "tags": [tags]}, schema_overrides={"tags": pl.String})
    assert Operator(scheme=scheme).edit(frame)["tags"].to_list() == [repaired]


def test_without_tags_nothing_happens_and_a_wrong_scheme_is_refused() -> None:
    frame = pl.DataFrame({"row_id": ["a:1"], "text": ["a"]})
    assert Operator().edit(frame).equals(frame)
    with pytest.raises(UsageError, match="unknown scheme 'iob'"):
        Operator(scheme="iob")
