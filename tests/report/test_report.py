"""A report survives being saved, whatever it holds."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.report import html
from oreline.report.report import Chart, Report, Table
from oreline.types import Estimate


def test_saved_and_opened_is_the_same(report, tmp_path) -> None:
    report.save(tmp_path, name="final")
    opened = Report.open(tmp_path / "final.json")
    # NaN is saved as null, which no report equals; what is opened is stable from there on.
    assert opened.to_json() == report.to_json()
    assert (tmp_path / "final.html").read_text(encoding="utf-8") == html.page(report.to_json())


def test_its_repr_is_one_line(report) -> None:
    assert repr(report).startswith(f"<Report of {report.verb}")
    assert "\n" not in repr(report)


def test_numpy_values_are_saved_as_numbers(tmp_path) -> None:
    report = Report(
        "evaluate",
        "t",
        facts={"rows": np.int64(3), "share": np.float32(0.25)},
        tables=[Table("T", ["a"], [[np.float64(0.5)], [np.nan]])],
        charts=[Chart("C", "matrix", {"labels": ["a"], "values": np.eye(1)})],
    )
    report.save(tmp_path)
    opened = Report.open(tmp_path / "report.json").to_json()
    assert opened["facts"] == {"rows": 3, "share": 0.25}
    assert opened["tables"][0]["rows"] == [[0.5], [None]]
    assert opened["charts"][0]["data"]["values"] == [[1.0]]


def test_estimates_in_cells_survive(tmp_path) -> None:
    Report("evaluate", "t", tables=[Table("T", ["f1"], [[Estimate(0.5, 0.4, 0.6, 9)]])]).save(tmp_path)
    assert Report.open(tmp_path / "report.json").to_json()["tables"][0]["rows"] == [
        [{"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}]
    ]


def test_it_shows_itself(english) -> None:
    assert str(english).startswith("Evaluation of fresh and others\n")
    assert "<svg" in english._repr_html_()


def test_saving_beside_nothing_fails(english, tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        english.save(tmp_path / "missing")
    assert not list(tmp_path.iterdir())
