from __future__ import annotations

from pathlib import Path

import pytest

import oreline as ore
from oreline.api import use
from oreline.errors import DataError, UsageError


def test_predict_takes_texts_rows_columns_files_and_datasets(linear_model, dataset, reviews_csv: Path) -> None:
    texts = dataset.frame("test")["text"].to_list()
    by_text = ore.predict(linear_model, texts)
    assert len(by_text) == len(texts)
    assert all(set(answer["scores"]) == {"fresh", "rotten"} for answer in by_text)
    by_row = ore.predict(linear_model, [{"text": text} for text in texts])
    by_column = ore.predict(linear_model, {"text": texts})
    assert [a["label"] for a in by_text] == [a["label"] for a in by_row] == [a["label"] for a in by_column]
    assert len(ore.predict(linear_model, dataset)) == sum(dataset.num_rows(split) for split in dataset.splits)
    assert len(ore.predict(str(linear_model.path), reviews_csv)) == 400


def test_load_gives_a_runtime(linear_model) -> None:
    assert ore.load(linear_model).predict({"text": ["great film"]}).outputs["scores"].shape == (1, 2)


def test_a_metric_that_there_is_not_is_refused_before_a_baseline_is_made(
    linear_model, dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORELINE_RUNS", str(tmp_path / "runs"))
    with pytest.raises(UsageError, match="no metric named 'mathews'"):
        ore.evaluate(linear_model, dataset, metrics=["mathews"])
    with pytest.raises(UsageError, match="'pearson' does not measure answers of this kind"):
        ore.evaluate(linear_model, dataset, metrics="pearson")
    assert not (tmp_path / "runs").exists()


def test_evaluate_raw_files_as_they_are(linear_model, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text("text,label\n" + "a great film 9001,fresh\n" * 3 + "a dull plot 9002,rotten\n")
    report = ore.evaluate(linear_model, file, out=tmp_path / "report")
    assert report.metrics["accuracy"].n == 4, "repeated rows count: a figure is about the rows as given"
    assert (tmp_path / "report" / "report.html").is_file()
    with pytest.raises(UsageError, match="exists already"):
        ore.evaluate(linear_model, file, out=tmp_path / "report")
    ore.evaluate(linear_model, file, out=tmp_path / "report", force=True)
    ore.evaluate(linear_model, file, out=tmp_path / "other.json")
    assert (tmp_path / "other.html").is_file()


def test_evaluate_refuses_rows_that_were_trained_on(linear_model, dataset) -> None:
    with pytest.raises(DataError, match="trained on"):
        ore.evaluate(linear_model, f"{dataset.path}#train")


def test_compare_and_baseline(linear_model, dataset) -> None:
    report = ore.evaluate(linear_model, dataset, compare=linear_model, baseline=str(linear_model.path), slices="movie")
    titles = [table.title for table in report.tables]
    assert any(title.startswith("Against the baseline") for title in titles)
    assert any(title.startswith("By group") for title in titles)


def test_explain(linear_model) -> None:
    answer = ore.explain(linear_model, "a great wonderful film", label="fresh")[0]
    assert answer["label"] == "fresh"
    assert max(answer["words"], key=lambda word: word["weight"])["word"] in ("great", "wonderful")


def test_monitor_needs_a_log(linear_model, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no prediction log"):
        ore.monitor(linear_model, tmp_path)
    assert use.log_place("postgresql://host/db") == "postgresql://host/db"


def test_serve_says_what_is_wrong_before_it_opens_anything(tmp_path: Path, linear_model) -> None:
    with pytest.raises(UsageError, match="no setting 'max_row'"):
        ore.serve(linear_model, settings={"max_row": 3})
