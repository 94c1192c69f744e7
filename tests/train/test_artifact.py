"""What an artifact remembers of its making: ancestors, the rows it was trained on, its curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from oreline.data.fold import row_hashes
from oreline.report.report import Report
from oreline.store import TRAIN_ROWS
from oreline.train.artifact import _smoothed, lineage, write_train_rows


def test_lineage_names_the_nearest_ancestor_first(torch_model, tiny_start: Path):
    assert lineage(None) == []
    assert lineage(tiny_start) == [{"verb": "start", "id": "", "path": str(tiny_start)}]
    child = lineage(torch_model.path)
    assert child[0] == {"verb": "finetune", "id": torch_model.id, "path": str(torch_model.path)}
    assert child[1:] == torch_model.manifest.lineage


def test_row_hashes_are_sorted_unique_and_hold_those_of_the_start(tmp_path: Path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    write_train_rows(old, pl.DataFrame({"text": ["a", "b", "A "]}), ["text"], None)  # "A " folds to "a"
    write_train_rows(new, pl.DataFrame({"text": ["c", "b"]}), ["text"], old)
    expected = row_hashes(pl.DataFrame({"text": ["a", "b", "c"]}), ["text"])
    found = np.fromfile(new / TRAIN_ROWS, dtype="<u8")
    assert found.tolist() == sorted(expected.tolist())
    assert len(np.fromfile(old / TRAIN_ROWS, dtype="<u8")) == 2


def test_the_report_shows_the_curve_and_what_was_resolved(torch_model):
    report = Report.open(torch_model.path / "report.json")
    curve = report.charts[0].data
    assert max(curve["x"]["training loss"]) == torch_model.measurements()["steps"]
    assert curve["y"]["training loss"][-1] < curve["y"]["training loss"][0]
    assert "dev accuracy" in curve["y"]
    settings = dict(map(tuple, report.tables[0].rows))
    assert settings["precision"] in {"fp32", "bf16"}
    assert settings["learning_rate"] == "0.005"


def test_smoothing_is_a_moving_average():
    assert _smoothed([1.0, 2.0, 3.0, 4.0], width=2) == [1.0, 1.5, 2.5, 3.5]
    assert _smoothed([]) == []
