"""The report of an evaluation, on a real linear model and a dataset on disk."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from oreline.errors import DataError
from oreline.evaluate.evaluate import evaluate, group_widening
from oreline.evaluate.table import predict_table
from oreline.report.report import Report
from oreline.runtime.linear import Runtime as LinearRuntime
from oreline.types import Columns, Encoded


def table_named(report: Report, start: str):
    """The one table whose title begins so."""
    [table] = [table for table in report.tables if table.title.startswith(start)]
    return table


def cell(table, row: str, column: str):
    """A cell by the row's first cell and the column's name."""
    [found] = [entry for entry in table.rows if entry[0] == row]
    return found[list(table.columns).index(column)]


@pytest.fixture(scope="module")
def report(model, data) -> Report:
    """The report that most tests look at."""
    return evaluate(model, data, slices=["studio"])


def test_every_figure_has_rows_and_an_interval(report):
    assert next(iter(report.metrics)) == "accuracy"
    assert {"macro_f1", "weighted_f1", "macro_precision", "macro_recall", "log_loss", "ece"} <= set(report.metrics)
    for estimate in report.metrics.values():
        assert estimate.n == 240
        assert estimate.low <= estimate.value <= estimate.high
    assert report.metrics["accuracy"].value == pytest.approx(0.9, abs=0.05)


def test_the_split_is_named_beside_every_figure(report, model, data):
    assert report.subject["split"] == "test"
    assert report.subject["model"] == model.artifact.id
    assert report.subject["dataset"] == data.fingerprint
    assert "test" in report.title
    for part in (*report.tables, *report.charts):
        assert "'test'" in part.title


def test_classes_and_slices_have_rows_that_add_up(report):
    classes = table_named(report, "Per class")
    for figure in ("precision", "recall"):
        column = list(classes.columns).index(figure)
        assert sum(row[column].n for row in classes.rows) == 240
        assert all(row[column].low <= row[column].value <= row[column].high for row in classes.rows)
    slices = table_named(report, "By studio")
    assert sum(row[1] for row in slices.rows) == 240
    assert cell(slices, "(missing)", "rows") == cell(slices, "(missing)", "accuracy").n == 6
    assert cell(slices, "(missing)", "") == "few"
    assert cell(slices, "studio 1", "") == ""
    assert "few: under 30 rows" in slices.note
    assert "" not in classes.columns, "no marks where there is nothing to mark"
    weighted = sum(row[1] * cell(slices, row[0], "accuracy").value for row in slices.rows) / 240
    assert weighted == pytest.approx(report.metrics["accuracy"].value, abs=1e-4)


def test_the_weakest_class_is_first(make_linear, data):
    classes = table_named(evaluate(make_linear(labels=("fresh", "plot", "rotten"), noise=2.0), data), "Per class")
    measured = [row[3].value for row in classes.rows if row[3] is not None]
    assert len(measured) == 3
    assert measured == sorted(measured)


def test_confusions_have_their_share_of_the_true_class(report):
    matrix = report.charts[0].data
    for true, predicted, rows, share in table_named(report, "Most frequent confusions").rows:
        counts = matrix["values"][matrix["labels"].index(true)]
        assert rows == counts[matrix["labels"].index(predicted)] > 0
        assert (share.value, share.n) == (rows / sum(counts), sum(counts))
        assert share.low < share.value < share.high


def test_mistakes_are_the_most_confident_first(report, model, data):
    worst = table_named(report, "Most confident mistakes")
    confidences = [row[4] for row in worst.rows]
    assert confidences == sorted(confidences, reverse=True)
    assert len(confidences) == 20
    assert len(set(confidences)) > 3
    table = predict_table(model, data, "test")
    assert max(table.scores.max(axis=1)[~table.right_N]) == pytest.approx(confidences[0], abs=1e-4)
    frame = data.frame("test")
    for row_id, _, true, predicted, _ in worst.rows:
        assert frame.filter(row_id=row_id)["label"].item() == true != predicted


def test_charts_say_what_the_figures_say(report):
    matrix, reliability = report.charts
    assert np.trace(matrix.data["values"]) / 240 == pytest.approx(report.metrics["accuracy"].value)
    assert sum(reliability.data["count"]) == 240


def test_the_report_is_json_without_nan_and_comes_back(report, tmp_path):
    report.save(tmp_path)
    json.loads((tmp_path / "report.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert Report.open(tmp_path / "report.json").metrics == report.metrics
    assert "Evaluation" in str(report)


def test_a_class_that_the_split_lacks_is_said_and_not_measured(make_linear, data, tmp_path):
    report = evaluate(make_linear(labels=("fresh", "plot", "rotten")), data)
    report.save(tmp_path)
    assert any("no row of the split 'test' has the label plot" in warning for warning in report.warnings)
    absent = [row for row in table_named(report, "Per class").rows if row[0] == "plot"]
    assert table_named(report, "Per class").rows[-1] in absent
    assert [row[1:] for row in absent] == [[None, None, None, "few"]]


def test_rows_that_were_trained_on_are_counted_in_the_report(make_linear, data):
    model = make_linear(trained_on=data.frame("test").head(100))
    report = evaluate(model, data)
    assert report.facts["rows_refused_as_trained_on"] == 100
    assert report.facts["rows"] == report.metrics["accuracy"].n == 140
    assert any("100 rows of the split 'test' were left out" in warning for warning in report.warnings)


def test_speed_and_cut_texts_are_told(model, data):
    class ShortSighted(LinearRuntime):
        """A real runtime that reads the first 40 n-grams of a text."""

        def encode(self, columns: Columns) -> Encoded:
            encoded = super().encode(columns)
            cut_N = np.array([len(text) > 42 for text in columns["text"]])
            return Encoded([ids[:40] for ids in encoded.ids], cut_N)

    report = evaluate(ShortSighted(model.artifact), data)
    long = data.frame("test").filter(pl.col("text").str.len_chars() > 42).height
    assert report.facts["rows_truncated"] == long > 0
    assert any(f"{long} of 240 texts are longer than the model reads" in warning for warning in report.warnings)
    assert report.facts["rows_per_s"] > 0


def test_two_models_are_compared_on_the_same_rows(model, data, make_linear):
    noisy = make_linear(noise=2.0)
    report = evaluate(model, data, compare=noisy, baseline=make_linear(strength=0.5))
    against = table_named(report, "Against the compared model")
    assert cell(against, "accuracy", "this model") == report.metrics["accuracy"]
    other = predict_table(noisy, data, "test")
    theirs, difference = (cell(against, "accuracy", name) for name in ("compared model", "difference"))
    assert theirs.value == pytest.approx(other.right_N.mean())
    assert difference.value == pytest.approx(report.metrics["accuracy"].value - theirs.value)
    assert difference.value > 0
    assert {theirs.n, difference.n} == {240}
    assert "McNemar" in against.note
    assert table_named(report, "Against the baseline").rows


def test_figures_are_of_the_common_rows_when_models_were_trained_on_different_ones(data, make_linear):
    frame = data.frame("test")
    mine, theirs = make_linear(trained_on=frame.head(40)), make_linear(trained_on=frame.tail(50))
    report = evaluate(mine, data, compare=theirs)
    assert {estimate.n for estimate in report.metrics.values()} == {150}
    assert {estimate.n for row in table_named(report, "Against").rows for estimate in row[1:]} == {150}
    assert any("150 rows" in warning for warning in report.warnings)


def test_other_splits_and_unknown_ones(model, data, make_linear):
    report = evaluate(make_linear(), data, split="train")
    assert report.subject["split"] == "train"
    assert report.metrics["accuracy"].n == 60
    with pytest.raises(DataError, match="no split 'dev'"):
        evaluate(model, data, split="dev")


def test_few_rows_are_marked(make_linear, make_dataset, make_reviews):
    report = evaluate(make_linear(), make_dataset(test=make_reviews(8, 3)))
    assert any("only 8 rows" in warning for warning in report.warnings)
    assert {row[-1] for row in table_named(report, "Per class").rows} == {"few"}


def test_one_row_is_enough_for_a_report(make_linear, make_dataset, make_reviews, tmp_path):
    evaluate(make_linear(), make_dataset(test=make_reviews(1, 3)), slices=["studio"]).save(tmp_path)


def test_a_column_of_many_values_shows_the_largest(make_linear, data):
    report = evaluate(make_linear(), data, slices=["row_id"])
    slices = table_named(report, "By row_id")
    assert len(slices.rows) == 20
    assert "220 more values with 220 rows" in slices.note


def test_rows_of_a_group_that_are_right_or_wrong_together_are_warned_of(make_linear, make_dataset, make_reviews):
    frame = make_reviews(240, 4)
    alone = frame.with_columns(group=pl.col("row_id"))
    model = make_linear()
    right_N = predict_table(model, make_dataset(test=alone), "test").right_N
    together = frame.with_columns(group=pl.Series([f"{right} {row % 8}" for row, right in enumerate(right_N)]))
    for grouped, warned in ((frame, False), (alone, False), (together, True)):
        report = evaluate(model, make_dataset(test=grouped))
        assert any("rows of one group" in warning for warning in report.warnings) == warned


def test_widening_equals_drawing_groups(make_table):
    """Oracle: the standard deviation of accuracy over draws of whole groups, by that over draws of rows."""
    table = make_table(1200, 3, 0, 0.5)
    order = np.argsort(table.right_N + np.random.default_rng(0).normal(scale=1.5, size=1200))
    codes_N = np.empty(1200, dtype=np.int64)
    codes_N[order] = np.arange(1200) // 12
    table = replace(table, groups=[f"g{code}" for code in codes_N])
    source = np.random.default_rng(1)
    right_G, rows_G = (np.bincount(codes_N, weights=values) for values in (table.right_N, np.ones(1200)))
    draws_RG = source.multinomial(100, np.full(100, 0.01), size=4000)
    by_group = (draws_RG @ right_G / (draws_RG @ rows_G)).std()
    by_row = source.binomial(1200, table.right_N.mean(), size=4000).std() / 1200
    assert by_group / by_row > 1.3
    assert group_widening(table) == pytest.approx(by_group / by_row, rel=0.06)
