"""Before and after, by source and class."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from oreline.data.operators.keep_length import Operator
from oreline.data.operators.keep_perplexity import Operator as Perplexity
from oreline.data.refine import Running, refine
from oreline.data.reporting.account import emptied, imbalance


def tables(folder: Path) -> dict[str, dict[str, list[object]]]:
    from oreline.data.dataset import Dataset

    report = Dataset.open(folder).report()
    return {
        table.title: {"columns": list(table.columns), "rows": [list(row) for row in table.rows]}
        for table in report.tables
    }


def test_what_the_report_says(tmp_path: Path):
    (tmp_path / "a.csv").write_text(
        "text,label\n" + "".join(f"a fine film number {n},good\n" for n in range(12)) + "x,bad\ny,bad\n"
    )
    (tmp_path / "b.csv").write_text(
        "text,label\n" + "".join(f"这部电影很一般{n},bad\n" for n in range(6)) + "好,good\n"
    )
    operators = [("keep_length", Operator(min=3)), ("keep_perplexity", Perplexity(bits=12, min_characters=3))]
    refine([tmp_path / "a.csv", tmp_path / "b.csv"], operators=operators, split={}, out=tmp_path / "out")
    found = tables(tmp_path / "out")
    assert found["Before and after"]["rows"][0][:2] == ["rows", 21]
    by_source = {(row[0], row[1]): row[2:] for row in found["What each operator did, by source"]["rows"]}
    assert found["What each operator did, by source"]["columns"][2:] == ["a.csv", "b.csv"]
    assert by_source["keep_length", "dropped"] == [2, 1]
    by_class = {row[0]: row[1:] for row in found["What each operator took, by class"]["rows"]}
    assert by_class["keep_length"] == [1 / 13, 2 / 8]
    assert [row[:2] for row in found["Languages"]["rows"]] == [["en", 14 / 21], ["zh", 7 / 21]]
    assert [len(str(row[2])) for row in found["Sources"]["rows"]] == [64, 64]
    assert found["Perplexity of the rows"]["rows"], "what an operator found is shown"
    assert {row[1] for row in found["Variety of the texts"]["rows"]} == {"en", "zh"}


def test_privacy_counts_kinds(tmp_path: Path):
    class Masks:
        def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
            return frame.with_columns(pl.lit("***").alias("text"), pl.lit("email, phone").alias("change_reason"))

    refine({"text": ["a@b.c 123", "x@y.z 456"]}, operators=[("mask_pii", Masks())], split={}, out=tmp_path / "out")
    assert tables(tmp_path / "out")["Privacy"]["rows"] == [["email", 2], ["phone", 2]]


def test_of_many_classes_all_are_there(tmp_path: Path):
    """Beyond eight classes the others were left out."""
    labels = [f"class {n:02}" for n in range(30) for _ in range(n + 2)]
    texts = ["x" if n % 2 else f"a text of its own, {n}" for n in range(len(labels))]
    operators = [("keep_length", Operator(min=3)), ("again", Operator(min=22))]
    refine({"text": texts, "label": labels}, operators=operators, split={}, out=tmp_path / "out")
    found = tables(tmp_path / "out")["What each operator took, by class"]
    assert found["columns"] == ["class", "rows", "keep_length", "again"]
    rows = {row[0]: row[1:] for row in found["rows"]}
    assert len(rows) == 30
    of_class = [text for text, label in zip(texts, labels) if label == "class 17"]
    short = sum(text == "x" for text in of_class)
    assert rows["class 17"] == [19, short / 19, sum(2 < len(text) < 22 for text in of_class) / 19]


def test_sources_beyond_a_number_are_counted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oreline.data.ledger.MAX_SOURCES", 2)
    texts = [["long", "x"], ["x"], ["long", "long", "x"], ["x", "long"]]
    rows = [{"rows": {"text": own}, "name": f"s{number}"} for number, own in enumerate(texts)]
    refine(rows, operators=[("keep_length", Operator(min=3))], split={}, out=tmp_path / "out")
    found = tables(tmp_path / "out")
    assert found["Rows by source"]["rows"] == [["s0", 2, 1, 1], ["s1", 1, 1, 0], ["(other sources)", 5, 2, 3]]
    by_operator = found["What each operator did, by source"]
    assert by_operator["columns"][2:] == ["(other sources)", "s0", "s1"]
    assert by_operator["rows"] == [["keep_length", "dropped", 2, 1, 1]]


def test_imbalance():
    assert imbalance({}) is None
    assert imbalance({"a": 10, "b": 4, "c": 0}) == 2.5


def test_a_class_that_is_gone_is_named(tmp_path: Path) -> None:
    from oreline.data.dataset import Dataset

    source = {"text": [f"long enough {n}" for n in range(12)] + ["x", "y"], "label": ["good"] * 12 + ["bad"] * 2}
    refine(source, operators=[("keep_length", Operator(min=3))], split={}, out=tmp_path / "out")
    warnings = Dataset.open(tmp_path / "out").report().warnings
    assert "no row is left of 1 of 2 classes: bad (2 came in)" in warnings
    assert emptied({"a": 1}, {"a": 1}) == []
    assert emptied({f"id {n}": 1 for n in range(9)}, {"id 1": 1}) == [], "ids are no classes"
    assert emptied({'["a", "b"]': 6, '["a"]': 6}, {'["a"]': 6}) == [], "lists are several labels"


def test_of_labels_that_are_no_classes_their_number_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from oreline.data.dataset import Dataset

    monkeypatch.setattr("oreline.data.reporting.summary.MAX_CLASSES", 9)
    rows = {"text": [f"text {n:02}" for n in range(30)] + ["x"] * 9, "label": [f"id {n}" for n in range(39)]}
    refine(rows, operators=[("keep_length", Operator(min=3))], split={}, out=tmp_path / "out")
    report = Dataset.open(tmp_path / "out").report()
    found = tables(tmp_path / "out")
    assert found["Before and after"]["rows"][-1] == ["classes", "more than 9", "more than 9"]
    assert found["Rows by class and split"]["rows"] == [["all", 30]]
    assert (report.facts["imbalance"], report.facts["num_classes"]) == (None, 9)
    assert "more than 9 classes for 30 rows: is the label column an id or a free text?" in report.warnings
    assert not any("no row is left" in said for said in report.warnings)
    assert [chart.title for chart in report.charts if "lass" in chart.title] == []


def test_labels_that_an_operator_leaves_few_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oreline.data.reporting.summary.MAX_CLASSES", 9)
    rows = {"text": [f"text {n:02}" for n in range(8)] + ["x"] * 9, "label": [f"id {n % 4}" for n in range(17)]}
    rows["label"][8:] = [f"only {n}" for n in range(9)]
    refine(rows, operators=[("keep_length", Operator(min=3))], split={}, out=tmp_path / "out")
    assert tables(tmp_path / "out")["Before and after"]["rows"][-2:] == [
        ["classes", "more than 9", 4],
        ["largest class over smallest", None, 1.0],
    ]


def test_a_report_does_not_depend_on_what_lies_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given splits of described sources with a quota, rows dropped by class, labels that contradict one another."""

    def refined(out: Path, memory_bytes: int) -> tuple[object, ...]:
        rows = {
            name: {
                "text": [f"text number {n % period}, as {'long' * (n % 9)} as that" for n in range(300)],
                "label": [str((n + shift) % 3) for n in range(300)],
                "group": [f"g{n % period}" for n in range(300)],
            }
            for name, period, shift in (("a", 190, 0), ("b", 230, 1), ("c", 270, 0))
        }
        parts = {
            "train": [{"rows": rows["a"], "name": "a", "quota": 0.5}, {"rows": rows["b"], "name": "b"}],
            "test": [{"rows": rows["c"], "name": "c", "quota": 200}],
        }
        operators = [("keep_length", Operator(min=30)), ("keep_perplexity", Perplexity(bits=12, max_percentile=0.9))]
        made = refine(parts, operators=operators, split={}, out=out, running=Running(memory_bytes=memory_bytes))
        found = {title: table for title, table in tables(out).items() if title != "Time"}
        ledger = pl.read_parquet(out / "ledger.parquet").rows()
        return made.manifest.fingerprint, made.report().facts, made.report().warnings, found, ledger

    before = refined(tmp_path / "memory", 1 << 30)
    monkeypatch.setattr("oreline.data.reporting.intake._MAX_BYTES", 0)
    monkeypatch.setattr("oreline.data.input.fusion._ROOM", 20)
    monkeypatch.setattr("oreline.data.external.sorting._LEAST_RUN", 50)
    after = refined(tmp_path / "disk", 0)
    titles = ("What each operator took, by class", "Overlap of the sources", "Leaks between splits")
    assert all(before[3][title]["rows"] for title in titles)
    assert after == before
