"""What rules vote on rows of both languages, and what is wrong with rules that cannot be used."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import polars as pl
import pytest

from oreline.data.labels.rules import Jury, as_votes, models_of, read_rules
from oreline.errors import DataError, UsageError

FRAME = pl.DataFrame(
    {
        "row_id": ["a:1", "a:2", "a:3", "a:4", "a:5"],
        "text": ["我要退款refund谢谢", "An Education film", "the CAT sat", "ＣＡＴ食", ""],
        "stars": [1.0, 5.0, None, 2.0, 4.0],
        "shop": ["a", "b", "a", None, "b"],
        "is_new": [True, False, True, None, False],
    }
)


def votes(rule: dict[str, Any]) -> list[str | None]:
    found: list[str | None] = Jury(read_rules([{"label": "yes", **rule}])).labels(FRAME)[0].to_list()
    return ["x" if vote == "yes" else vote for vote in found]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"keywords": ["退款"]}, "x...."),
        ({"keywords": ["REFUND", "none"]}, "x...."),
        ({"keywords": "cat"}, "..xx."),
        ({"keywords": ["a c"]}, "....."),
        ({"pattern": "退.{1,2}"}, "x...."),
        ({"pattern": r"(?i)\bcat\b"}, "..x.."),
        ({"max_chars": 5}, "...xx"),
        ({"min_chars": 11, "keywords": ["cat"]}, "..x.."),
        ({"column": "stars", "at_most": 2}, "x..x."),
        ({"column": "stars", "at_least": 2, "at_most": 4.5}, "...xx"),
        ({"column": "stars", "equals": 5}, ".x..."),
        ({"column": "shop", "one_of": ["b", "c"]}, ".x..x"),
        ({"column": "is_new", "equals": True}, "x.x.."),
        ({"column": "shop", "equals": "a", "keywords": ["cat"]}, "..x.."),
        ({"in": "shop", "pattern": "^b$"}, ".x..x"),
    ],
)
def test_everything_that_a_rule_names_must_hold(rule: dict[str, Any], expected: str) -> None:
    assert votes(rule) == ["x" if mark == "x" else None for mark in expected]


def test_labels_that_yaml_reads_as_numbers_are_names() -> None:
    rule = read_rules([{"label": 1, "keywords": [12306, "铁路"]}])[0]
    assert (rule.label, rule.keywords, rule.name) == ("1", ("12306", "铁路"), "1: 1")


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ({"label": "x"}, "asks for nothing"),
        ({"keywords": ["a"]}, "either the label"),
        ({"label": "x", "model": "m", "keywords": ["a"]}, "either the label"),
        ({"label": "x", "keyword": ["a"]}, "no 'keyword'"),
        ({"label": "x", "keywords": ["a", " "]}, "keyword is empty"),
        ({"label": "x", "pattern": "(a"}, "cannot be used"),
        ({"label": "x", "pattern": "(?<=a)b"}, "cannot be used"),
        ({"label": "x", "pattern": "a*"}, "fits every text"),
        ({"label": "x", "column": "stars"}, "what the column must hold"),
        ({"label": "x", "at_least": 1, "keywords": ["a"]}, "lacks `column`"),
        ({"label": "x", "min_chars": "many"}, "'min_chars' is 'many'"),
    ],
)
def test_a_rule_that_cannot_be_used_is_named_by_its_number(rule: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError, match=what) as found:
        read_rules([{"label": "ok", "keywords": ["a"]}, rule])
    assert found.value.where == "rule 2"


def test_a_key_or_a_column_that_is_not_there_is_guessed() -> None:
    with pytest.raises(UsageError) as found:
        read_rules([{"label": "x", "keyword": ["a"]}])
    assert "did you mean 'keywords'" in found.value.allowed
    with pytest.raises(DataError, match="no column 'star'") as lacking:
        votes({"column": "star", "equals": 1})
    assert "did you mean 'stars'" in lacking.value.allowed
    with pytest.raises(UsageError, match="two rules are called"):
        read_rules([{"label": "x", "keywords": ["a"], "name": "n"}, {"label": "y", "keywords": ["a"], "name": "n"}])


def test_a_pattern_that_would_backtrack_forever_does_not() -> None:
    jury = Jury(read_rules([{"label": "x", "pattern": "(a+)+$"}]))
    begun = time.process_time()
    found = jury.labels(pl.DataFrame({"text": ["a" * 5000 + "!"]}))
    assert found[0].to_list() == [None]
    assert time.process_time() - begun < 30, "re would take longer than the universe has been there"


def test_functions_see_rows_and_answer_with_labels() -> None:
    def short(row: dict[str, Any]) -> str | None:
        return "short" if len(row["text"]) < 5 and row["shop"] else None

    jury = Jury([], [short])
    assert jury.names == ["short"]
    assert jury.labels(FRAME)[0].to_list() == [None, None, None, None, "short"]
    with pytest.raises(DataError, match="returned 3") as found:
        Jury([], [lambda row: 3]).labels(FRAME)  # type: ignore[list-item, return-value]
    assert found.value.where == "a:1"


class Model:
    def predict(self, texts: list[str]) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "label": ["pos" if "CAT" in text else "neg" for text in texts],
                "scores": [{"pos": 0.9, "neg": 0.1} if "CAT" in text else {"pos": 0.4, "neg": 0.6} for text in texts],
            }
        )


def test_a_model_votes_where_it_is_sure() -> None:
    rules = read_rules([{"model": "runs/old", "min_score": 0.8, "labels": {"pos": "good"}, "in": "text"}])
    assert models_of(rules) == {"1: runs/old": "runs/old"}
    jury = Jury(rules)
    jury.voters = {"1: runs/old": Model()}
    assert jury.labels(FRAME)[0].to_list() == [None, None, "good", None, None]
    assert jury.labels(FRAME.clear())[0].to_list() == []


def test_votes_are_class_numbers() -> None:
    answers = [pl.Series(["b", None]), pl.Series(["a", "odd"])]
    assert as_votes(answers, ["a", "b"]).tolist() == [[1, 0], [-1, -1]]
    assert as_votes([], ["a"]).shape == (0, 0)
    assert as_votes(answers, ["a", "b"]).dtype == np.int16


@pytest.mark.parametrize("rule", [{"label": False, "keywords": ["a"]}, {"label": "x", "keywords": ["a", True]}])
def test_a_truth_of_yaml_is_no_label_and_no_keyword(rule: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="and not a text") as raised:
        read_rules([rule])
    assert "quotes" in str(raised.value.remedy)


def test_a_truth_of_yaml_is_not_compared_with_texts() -> None:
    jury = Jury(read_rules([{"label": "x", "column": "open", "equals": False}]))
    with pytest.raises(DataError, match="compares the texts of 'open' with the truth false"):
        jury.labels(pl.DataFrame({"row_id": ["a:1"], "text": ["t"], "open": ["no"]}))
