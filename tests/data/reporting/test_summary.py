"""What refine says about its result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oreline.data.ledger import Ledger
from oreline.data.reporting import summary
from oreline.data.reporting.summary import Tally, class_warnings, refine_report


def tally(**splits: dict[str, int]) -> Tally:
    made = Tally()
    for split, counts in splits.items():
        labels = [label for label, rows in counts.items() for _ in range(rows)]
        rows = [(f"a:{number}", label, "x" * (number % 50)) for number, label in enumerate(labels)]
        made.add(split, pl.DataFrame(rows, schema=dict.fromkeys(("row_id", "label", "text"), pl.String), orient="row"))
    return made


@pytest.mark.parametrize(
    ("splits", "says"),
    [
        ({"train": {"x": 50, "y": 40}}, []),
        ({"train": {"x": 50}}, ["only one class, 'x'"]),
        ({"train": {f"c{n}": 1 for n in range(30)}}, ["30 classes for 30 rows"]),
        ({"train": {"x": 500, "y": 20}}, ["x has 25 times the rows of y"]),
        ({"train": {"x": 50, "y": 40, "z": 6}}, ["1 class has fewer than 10 rows: z (6)"]),
        ({"train": {"x": 50, "y": 40}, "test": {"x": 5, "w": 20}}, ["test has labels that train lacks: w"]),
        ({"train": {"x": 50, "y": 40}, "dev": {}}, ["the split 'dev' is empty"]),
    ],
)
def test_what_deserves_a_warning(splits: dict[str, dict[str, int]], says: list[str]) -> None:
    found = class_warnings(tally(**splits))
    assert len(found) == len(says)
    assert all(part in sentence for part, sentence in zip(says, found))


def test_lengths_are_binned_with_the_longest_in_the_last() -> None:
    made = Tally()
    lengths = [5] * 99 + [300_000]
    frame = pl.DataFrame({"row_id": [f"a:{n}" for n in range(100)], "text": ["x" * length for length in lengths]})
    made.add("train", frame)
    histogram = made.length_histogram()
    assert sum(histogram["series"]["train"]) == 100
    assert histogram["series"]["train"][-1] == 1
    assert len(histogram["edges"]) == len(histogram["series"]["train"]) + 1
    edges = np.array(histogram["edges"])
    assert histogram["series"]["train"][int(np.searchsorted(edges, 5, side="right")) - 1] == 99


def test_the_report_has_tables_charts_and_facts(tmp_path: Path) -> None:
    made = tally(train={"x": 8, "y": 8}, test={"x": 2, "y": 2})
    with Ledger(tmp_path / "ledger.parquet") as ledger:
        ledger.read(pl.Series([f"a:{number}" for number in range(21)]))
        ledger.write("dedup", "dropped", pl.DataFrame({"row_id": ["a:20"], "reason": ["duplicate"]}))
    report = refine_report(ledger, ledger.balance(20), made, [], subject={"fingerprint": "f"})
    assert report.facts["rows_in"] == 21
    assert report.facts["splits"] == {"train": 16, "test": 4}
    tables = {table.title: [list(row) for row in table.rows] for table in report.tables}
    assert tables["What happened to rows"] == [["dedup", "dropped", "duplicate", 1]]
    assert tables["Rows by source"] == [["a", 21, 1, 20]]
    assert tables["Rows by class and split"] == [["x", 8, 2], ["y", 8, 2], ["all", 16, 4]]
    assert [chart.kind for chart in report.charts] == ["bars", "histogram"]
    assert report.charts[0].data == {"labels": ["x", "y"], "series": {"train": [8, 8], "test": [2, 2]}}
    report.save(tmp_path)
    assert "21 rows in, 20 out" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_what_one_operator_did_stands_together_the_most_first(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.parquet") as ledger:
        ledger.reasons.update(
            {
                ("clean", "changed", "mark"): 1,
                ("keep", "dropped", "too_short"): 3,
                ("clean", "changed", "entity"): 5,
                ("clean", "dropped", "empty"): 2,
            }
        )
        table = refine_report(ledger, {"rows_in": 9, "rows_out": 4}, Tally(), [], subject={}).tables[0]
    assert [row[2:] for row in table.rows] == [["entity", 5], ["mark", 1], ["too_short", 3], ["empty", 2]]


def test_labels_that_are_no_classes_are_not_counted_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "MAX_CLASSES", 99)
    made = tally(train={f"c{n}": 2 for n in range(60)}, test={f"c{n}": 1 for n in range(99)})
    assert (made.num_classes, made.num_labelled) == (99, 219)
    assert class_warnings(tally(train={f"c{n}": 2 for n in range(99)})) == class_warnings(
        tally(train={f"c{n}": 1 for n in range(99)}, test={f"c{n}": 1 for n in range(99)})
    )
    made = tally(train={f"c{n}": 20 for n in range(60)}, test={f"c{n}": 1 for n in range(100)}, dev={"x": 5})
    told = Tally()
    told.take(made.to_json())
    told.take(tally(train={"x": 3}).to_json())
    assert told.num_labelled == made.num_labelled + 3 == 1308
    for one in (made, told):
        assert (one.num_classes, one.labels, dict(one.classes), one._names) == ("more than 99", [], {}, {})
    assert class_warnings(made) == ["more than 99 classes for 1,305 rows: is the label column an id or a free text?"]
    with Ledger(tmp_path / "ledger.parquet") as ledger:
        ledger.read(pl.Series([f"a:{number}" for number in range(1305)]))
    report = refine_report(ledger, ledger.balance(1305), made, [], subject={"fingerprint": "f"})
    assert (report.facts["num_classes"], report.facts["more_classes_than"]) == (99, 99)
    assert {table.title: table.rows for table in report.tables}["Rows by class and split"] == [["all", 1200, 100, 5]]
    assert [chart.title for chart in report.charts] == ["Length of the texts"]


def test_long_labels_are_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "_MAX_LABEL_CHARACTERS", 1000)
    assert tally(train={"x" * 300 + str(n): 2 for n in range(3)}).num_classes == 3
    assert tally(train={"x" * 300 + str(n): 2 for n in range(4)}).num_classes == "more than 3"
