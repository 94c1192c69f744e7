"""Leaving values out: the models, what they are judged on, and that a second call does nothing again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import oreline as ore
from oreline.errors import DataError, UsageError
from oreline.types import Event

GOOD = {"book": "gripping", "film": "moving", "game": "fast"}
BAD = {"book": "tedious", "film": "awful", "game": "slow"}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ore.Dataset:
    """Half of the rows say it in words of their own category, half in words of all."""
    monkeypatch.setenv("ORELINE_RUNS", str(tmp_path / "runs"))
    rows = []
    for n in range(240):
        category, good = ("book", "film", "game")[n % 3], n % 2 == 0
        word = ("great" if good else "bad") if n % 4 < 2 else (GOOD if good else BAD)[category]
        rows.append({"text": f"a {word} item {n}", "label": "good" if good else "bad", "category": category})
    return ore.refine(pl.DataFrame(rows), split={"train": 0.5, "dev": 0.1, "test": 0.4}, out=tmp_path / "data")


def test_each_value_once_with_a_reference(data: ore.Dataset, tmp_path: Path) -> None:
    given: dict[str, Any] = {"method": "linear", "leave_out": "category", "reference": True, "out": tmp_path / "out"}
    report = ore.transfer(None, data, **given)
    table, beside = report.tables[:2]
    assert {row[0] for row in table.rows} == {"book", "film", "game", "average"}
    for values, num_train, inside, outside, gap in table.rows[:3]:
        [place] = (tmp_path / "out" / values).glob("data-*")
        left = ore.Dataset.open(place)
        assert num_train == left.num_rows("train")
        assert (inside.n, outside.n) == (left.num_rows("test"), left.num_rows("left_out"))
        assert gap.value == pytest.approx(outside.value - inside.value)
        model = tmp_path / "out" / values / "model"
        again = ore.evaluate(model, left, split="left_out", baseline="none")
        assert outside == again.metrics["accuracy"]
    assert table.rows[3][4] < 0, "a left-out category has words of its own"
    assert sum(row[3].value for row in beside.rows) < 0, "which the model that knows the category has learnt"
    said: list[Event] = []
    assert ore.transfer(None, data, **given, on_event=said.append).tables == report.tables
    steps = [event.message for event in said if event.stage == "run" and "] " in event.message]
    assert steps
    assert all(step.endswith("done already") for step in steps)


def test_values_together_and_pretraining_on_their_texts(data: ore.Dataset, tiny_start: Path, tmp_path: Path) -> None:
    train = {"epochs": 0.3, "threads": 1, "max_tokens": 16}
    report = ore.transfer(
        tiny_start, data, method="full", leave_out="category=book,film", train=train, adapt=train, out=tmp_path / "out"
    )
    [row] = report.tables[0].rows
    assert row[0] == "book, film"
    adapted = next(table for table in report.tables if table.title.startswith("After pretraining"))
    assert adapted.rows[0][3].n == row[3].n
    folder = tmp_path / "out" / "book--film"
    lineage = ore.Artifact.open(folder / "adapted").manifest.lineage
    assert [entry["verb"] for entry in lineage] == ["pretrain", "start"]
    num_texts = ore.Dataset.open(next(folder.glob("data-*"))).num_rows("left_out_train")
    assert ore.Artifact.open(folder / "adapted_start").manifest.data["rows"] == num_texts
    assert report.facts["texts adapted to"] == num_texts


def test_a_network_with_its_options_is_adapted_by_the_method_that_was_chosen_for_it(
    data: ore.Dataset, tmp_path: Path
) -> None:
    """The vocabulary of the adapted network lacks words of the training rows: chosen anew, the method was `linear`."""
    train = {"epochs": 0.3, "threads": 1, "max_tokens": 16}
    given: dict[str, Any] = {"leave_out": "category=book", "train": train, "adapt": train, "out": tmp_path / "out"}
    options = {"width": 16, "layers": 1, "vocabulary": 200}
    ore.transfer("new:transformer-tiny", data, start_options=options, **given)
    model, adapted = (ore.Artifact.open(tmp_path / "out" / "book" / name).manifest for name in ("model", "adapted"))
    assert model.recipe["options"]["method"] == adapted.recipe["options"]["method"] == "full"
    assert adapted.lineage[0]["verb"] == "pretrain"
    said: list[Event] = []
    ore.transfer("new:transformer-tiny", data, start_options=options, **given, on_event=said.append)
    steps = [event.message for event in said if event.stage == "run" and "] " in event.message]
    assert len(steps) > 3
    assert all(step.endswith("done already") for step in steps)


def test_other_data_are_noticed_and_wrong_requests_refused(data: ore.Dataset, tmp_path: Path) -> None:
    given: dict[str, Any] = {"method": "linear", "out": tmp_path / "out"}
    with pytest.raises(UsageError, match="names no value"):
        ore.transfer(None, data, leave_out="category=", **given)
    with pytest.raises(UsageError, match="nothing to adapt with"):
        ore.transfer(None, data, leave_out="category=book", adapt={"epochs": 1}, **given)
    with pytest.raises(DataError, match="no test row has the value 'bok'"):
        ore.transfer(None, data, leave_out="category=bok", **given)
    for asked in ("label", "label=good"):
        with pytest.raises(UsageError, match="'label' is what the model learns to answer"):
            ore.transfer(None, data, leave_out=asked, **given)
    with pytest.raises(UsageError, match="'text' has 240 values in 240 rows"):
        ore.transfer(None, data, leave_out="text", **given)
    assert not (tmp_path / "out").exists(), "what is refused leaves nothing behind"
    small = {"start_options": {"hidden_size": 16}}
    ore.transfer("new:transformer-tiny", data, leave_out="category=book", **small, **given | {"out": tmp_path / "new"})
    ore.transfer(None, data, leave_out="category=book", **given)
    other = ore.refine(data, split={}, operators=["drop_empty", {"keep_length": {"max": 17}}], out=tmp_path / "d2")
    with pytest.raises(UsageError, match="finished here with other options or other input"):
        ore.transfer(None, other, leave_out="category=book", **given)
    assert ore.transfer(None, other, leave_out="category=book", force=True, **given).facts["experiments"] == 1
