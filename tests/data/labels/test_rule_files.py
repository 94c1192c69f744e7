"""Rules in files: what can be read, and errors that name the line."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from oreline.data.labels.rule_files import rules_in
from oreline.data.labels.rules import read_rules
from oreline.data.operators.label_by_rules import Operator
from oreline.errors import DataError, UsageError

RULES = """\
# what money is
- {label: money, keywords: [退款, refund]}
-
  label: parcel
  pattern: 快递|parcel
"""


def write(folder: Path, text: str) -> str:
    file = folder / "rules.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_lists_and_mappings_and_json(tmp_path: Path) -> None:
    expected = [{"label": "money", "keywords": ["退款", "refund"]}, {"label": "parcel", "pattern": "快递|parcel"}]
    file = write(tmp_path, RULES)
    assert rules_in(file) == (expected, [f"{file}:2", f"{file}:4"])
    assert rules_in(write(tmp_path, "\ufeffrules:\n" + RULES))[0] == expected
    assert rules_in(write(tmp_path, '[{"label": "a", "min_chars": 3}]'))[0] == [{"label": "a", "min_chars": 3}]


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("- {label: a, keyword: [x]}\n", "a rule has no 'keyword'", 1),
        (RULES + "- {label: a, pattern: '(?<=a)b'}\n", "cannot be used", 6),
        (RULES + "- {label: a, min_chars: many}\n", "'min_chars' is 'many'", 6),
        (RULES + "- nothing\n", "a rule is 'nothing'", 6),
        (RULES + "- {label: a, keywords: [x], label: b}\n", "has 'label' twice", 6),
        (RULES + "- {label: a\n", "not YAML", 7),
    ],
)
def test_errors_name_the_line(tmp_path: Path, text: str, says: str, line: int) -> None:
    file = write(tmp_path, text)
    with pytest.raises(UsageError, match=says.replace("(", r"\(")) as caught:
        read_rules(*rules_in(file))
    assert caught.value.where == f"{file}:{line}"


def test_files_that_hold_no_rules(tmp_path: Path) -> None:
    for text, says in (("", "no rule"), ("[]", "no rule"), ("label: a\nkeywords: [x]\n", "no list of rules")):
        with pytest.raises(UsageError, match=says):
            rules_in(write(tmp_path, text))
    with pytest.raises(DataError, match="no file of rules"):
        rules_in(tmp_path / "none.yaml")
    (tmp_path / "rules.yaml").write_bytes("- {label: 退}".encode("gbk"))
    with pytest.raises(DataError, match="not UTF-8: byte 0x"):
        rules_in(tmp_path / "rules.yaml")


def test_the_operator_takes_a_file(tmp_path: Path) -> None:
    operator = Operator(rules=write(tmp_path, RULES), combine="majority")
    frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["我要退款", "快递呢"]})
    operator.learnt(operator.fit(frame.lazy()))
    assert operator.edit(frame)["label"].to_list() == ["money", "parcel"]
