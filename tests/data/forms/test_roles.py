"""Roles: columns found, renamed and cleaned; rows that cannot be used named."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from oreline.data.forms.roles import bind, by_role, missing, take_in
from oreline.data.forms.tagged import with_tags
from oreline.data.ledger import Ledger
from oreline.errors import DataError, UsageError


def test_columns_named_by_their_role_need_no_flag() -> None:
    assert bind(["text", "stars", "time", "movie"], {"label": "stars"}, "a.csv") == {
        "label": "stars",
        "text": "text",
        "time": "time",
    }


def test_a_given_role_wins_over_a_column_of_that_name() -> None:
    bound = bind(["text", "review", "label"], {"text": "review"}, "a.csv")
    assert bound == {"text": "review", "label": "label"}
    named = by_role(pl.DataFrame({"row_id": ["a:1"], "text": ["t"], "review": ["r"], "label": ["x"]}), bound, "a.csv")
    assert named.to_dicts() == [{"row_id": "a:1", "text": "r", "label": "x", "text_column": "t"}]


@pytest.mark.parametrize(
    ("roles", "error", "says", "allowed"),
    [
        ({"text": "reviw"}, DataError, "no column 'reviw'", "did you mean 'review'"),
        ({"lable": "stars"}, UsageError, "no role 'lable'", "did you mean 'label'"),
        ({"text": "review", "label": "review"}, UsageError, "two roles", "one role"),
        ({"label": "stars"}, DataError, "no column is named 'text'", "known: review"),
    ],
)
def test_wrong_roles(roles: dict[str, str], error: type[DataError], says: str, allowed: str) -> None:
    with pytest.raises(error, match=says) as caught:
        bind(["review", "stars"], roles, "a.csv")
    assert allowed in caught.value.allowed


def test_a_label_column_that_is_called_text_is_not_offered_as_the_text() -> None:
    with pytest.raises(
        DataError, match="the column 'text' is the label, and none was given for the role 'text'"
    ) as said:
        bind(["text", "review"], {"label": "text"}, "a.csv")
    assert said.value.allowed == "known: review"


def labels(values: list[object], dtype: pl.DataType | None = None) -> list[str | None]:
    frame = pl.DataFrame({"row_id": [f"a:{i}" for i in range(len(values))], "y": pl.Series(values, dtype=dtype)})
    return by_role(frame, {"label": "y"}, "a.csv")["label"].to_list()


def test_labels_become_clean_strings() -> None:
    assert labels([" fresh", "\ufefffresh\u200b", "正面 "]) == ["fresh", "fresh", "正面"]
    assert labels([1, 0]) == ["1", "0"]
    assert labels([True, False]) == ["true", "false"]
    assert labels([1.0, 0.5, float("nan"), None]) == ["1", "0.5", None, None]
    assert labels(["a"], pl.Categorical()) == ["a"]


def test_labels_that_are_not_there() -> None:
    assert labels(["", "  ", "NaN", "nan", "null", "<NA>", None]) == [None] * 7
    assert labels(["none", "n/a", "NA"]) == ["none", "n/a", "NA"]


def test_text_keeps_its_spelling() -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": [" nan ", None]})
    assert by_role(frame, {"text": "text"}, "a.csv")["text"].to_list() == [" nan ", None]


def test_times_are_parsed() -> None:
    frame = pl.DataFrame({"row_id": ["a:1"], "text": ["x"], "day": ["2026-01-31"]})
    assert by_role(frame, {"text": "text", "time": "day"}, "a.csv")["time"].to_list() == [datetime(2026, 1, 31)]


def test_a_type_that_is_no_text() -> None:
    frame = pl.DataFrame({"row_id": ["a:1"], "text": [["a", "b"]]})
    with pytest.raises(DataError, match="are no text") as caught:
        by_role(frame, {"text": "text"}, "a.csv")
    assert caught.value.where == "a.csv"


def test_a_column_that_a_frame_lacks_is_null() -> None:
    frame = pl.DataFrame({"row_id": ["a:1"], "text": ["x"]})
    assert by_role(frame, {"text": "text", "label": "y"}, "a.csv")["label"].to_list() == [None]


def test_the_reason_a_row_cannot_be_used() -> None:
    frame = pl.DataFrame({"text": ["a", None, "b", None], "label": ["x", "y", None, None]})
    assert missing(frame).to_list() == [None, "missing_text", "missing_label", "missing_text"]


def test_rows_without_text_or_label_go_to_the_ledger(tmp_path: Path) -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2", "a:3"], "text": ["x", None, "z"], "y": [1.0, 2.0, float("nan")]})
    with Ledger(tmp_path / "ledger.parquet") as ledger:
        left = take_in(frame, {"text": "text", "label": "y"}, "a.csv", ledger)
    assert left["row_id"].to_list() == ["a:1"]
    assert ledger.rows_in == {"a": 3}
    assert pl.read_parquet(tmp_path / "ledger.parquet").select("row_id", "operator", "reason").rows() == [
        ("a:2", "read", "missing_text"),
        ("a:3", "read", "missing_label"),
    ]


def test_a_list_is_no_answer() -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["x", "y"], "target_text": [None, ["b", "c"]]})
    with pytest.raises(DataError, match=r'the answer \["b", "c"\] is a list') as caught:
        by_role(frame, {"text": "text", "target_text": "target_text"}, "a")
    assert caught.value.where.startswith("a:2")
    assert "a row of its own" in caught.value.remedy


def test_overlapping_spans_are_said_in_the_ledger(tmp_path: Path) -> None:
    rows = {"row_id": ["a:1", "a:2", "a:3"], "text": ["New York City", "in Rome", "in Rome"]}
    spans = [[[0, 8, "LOC"], [4, 13, "ORG"]], [[3, 7, "LOC"]], []]
    frame = pl.DataFrame({**rows, "tags": pl.Series(spans, dtype=pl.Object)})
    noted: dict[str, str] = {}
    with_tags(frame, "a", noted)
    assert noted == {"a:1": "spans_overlap"}
    texts = pl.DataFrame({**rows, "tags": [json.dumps(row) for row in spans]})
    with Ledger(tmp_path / "ledger.parquet") as ledger:
        found = take_in(texts, {"text": "text", "tags": "tags"}, "a", ledger)
    assert json.loads(found["tags"][0]) == ["B-LOC", "I-LOC", "O"]
    written = pl.read_parquet(tmp_path / "ledger.parquet").select("row_id", "action", "reason").rows()
    assert written == [("a:1", "changed", "spans_overlap")]


def test_columns_that_are_named_otherwise_are_hinted_at() -> None:
    with pytest.raises(DataError, match="no column is named 'text'") as caught:
        bind(["question", "context", "answers"], {}, "a")
    assert caught.value.remedy.endswith("for question_answering: --role text=question --role text_pair=context")
    with pytest.raises(DataError) as caught:
        bind(["sentence1", "sentence2", "label"], {}, "a")
    assert "for pair: --role text=sentence1 --role text_pair=sentence2" in caught.value.remedy
    with pytest.raises(DataError) as caught:
        bind(["a", "b"], {}, "a")
    assert caught.value.remedy == "say which column holds the text: --text COLUMN"
