"""The table behind every figure: what goes in, what is refused, and how two are aligned."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from oreline import registry
from oreline.errors import DataError
from oreline.evaluate.table import (
    MISSING,
    Table,
    _encode_targets,
    aligned,
    predict_table,
    predicted_labels,
    true_labels,
)
from oreline.runtime.windows import ragged
from oreline.tasks import seq2seq
from oreline.tasks.text_classification import Task
from oreline.types import Written


def test_holds_what_the_runtime_answers_in_the_order_of_the_rows(model, data):
    table = predict_table(model, data, "test", slices=["studio"])
    frame = data.frame("test")
    assert table.row_ids == frame["row_id"].to_list()
    assert true_labels(table) == frame["label"].to_list()
    answers = model.task.decode(model.predict({"text": frame["text"].to_list()}).outputs, {})
    assert predicted_labels(table) == [answer["label"] for answer in answers]
    assert table.slices["studio"] == frame["studio"].fill_null(MISSING).to_list()
    assert table.slices["studio"].count(MISSING) == 6
    assert table.seconds > 0


def test_rows_that_were_trained_on_are_left_out_and_counted(make_linear, make_dataset, make_reviews):
    seen, fresh = make_reviews(30, 5), make_reviews(50, 6)
    # The same text in other case, width and white space is the same row.
    disguised = seen.head(20).with_columns(text=pl.lit("  ") + pl.col("text").str.to_uppercase() + pl.lit("\t"))
    data = make_dataset(test=pl.concat([fresh, disguised]))
    model = make_linear(trained_on=seen)
    table = predict_table(model, data, "test")
    assert (table.num_rows, table.num_refused) == (50, 20)
    assert table.row_ids == fresh["row_id"].to_list()
    everything = predict_table(model, data, "test", refuse_trained=False)
    assert (everything.num_rows, everything.num_refused) == (70, 0)


def test_a_split_that_was_trained_on_is_refused(model, data):
    with pytest.raises(DataError, match="trained on all 60 labelled rows") as caught:
        predict_table(model, data, "train")
    assert "train" in caught.value.where
    assert "--split test" in caught.value.remedy


def test_a_label_that_was_never_trained_on_is_named_with_its_row(model, make_dataset, make_reviews):
    frame = make_reviews(20, 7)
    labels = ["fresh"] * 12 + ["freshh"] * 3 + ["rotten"] * 5
    data = make_dataset(test=frame.with_columns(label=pl.Series(labels)))
    with pytest.raises(DataError, match=r"'freshh' was never seen in training \(3 of 20 rows\)") as caught:
        predict_table(model, data, "test")
    assert "reviews-7.csv:13" in caught.value.where
    assert "did you mean 'fresh'" in caught.value.allowed


def test_rows_without_a_label_are_left_out_and_counted(model, make_dataset, make_reviews):
    frame = make_reviews(20, 8)
    data = make_dataset(test=frame.with_columns(label=pl.Series([None] * 5 + frame["label"].to_list()[5:])))
    table = predict_table(model, data, "test")
    assert (table.num_rows, table.num_unlabeled) == (15, 5)
    nobody_knows = make_dataset(test=frame.with_columns(label=pl.lit(None, dtype=pl.String)))
    with pytest.raises(DataError, match="none of the 20 rows has a label"):
        predict_table(model, nobody_knows, "test")


def test_an_empty_split_says_so(model, make_dataset, make_reviews):
    data = make_dataset(test=make_reviews(5, 9).head(0))
    with pytest.raises(DataError, match="no rows"):
        predict_table(model, data, "test")


def test_unknown_split_and_columns_get_the_nearest_name(model, data, make_dataset, make_reviews):
    with pytest.raises(DataError, match="no split 'tset'") as split_error:
        predict_table(model, data, "tset")
    assert "did you mean 'test'" in split_error.value.allowed
    with pytest.raises(DataError, match="no column 'studo' to slice by") as slice_error:
        predict_table(model, data, "test", slices=["studo"])
    assert "did you mean 'studio'" in slice_error.value.allowed
    unlabeled = make_dataset(test=make_reviews(5, 9).drop("label"))
    with pytest.raises(DataError, match="no column with the role 'label'"):
        predict_table(model, unlabeled, "test")


def test_an_altered_train_rows_file_is_not_trusted(make_linear, make_reviews):
    # The artifact is verified when it is opened; a model without the file was trained on nothing that we know.
    assert not make_linear().artifact.has("train_rows.bin")
    assert make_linear(trained_on=make_reviews(3, 1)).artifact.has("train_rows.bin")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_probability_that_is_no_number_is_named_with_its_row(bad: float):
    scores_NK = np.array([[0.5, 0.5], [bad, 0.5]])
    with pytest.raises(DataError, match="not a number") as caught:
        Table(Task(labels=["a", "b"]), np.array([0, 1]), scores_NK, ["f:1", "f:2"], ["", ""])
    assert caught.value.where == "f:2"


def test_parts_of_different_length_are_refused():
    with pytest.raises(DataError, match="2 targets"):
        Table(Task(labels=["a", "b"]), np.array([0, 1]), np.full((2, 2), 0.5), ["f:1"], ["", ""])
    with pytest.raises(DataError, match="3 labels"):
        Table(Task(labels=["a", "b", "c"]), np.array([0, 1]), np.full((2, 2), 0.5), ["f:1", "f:2"], ["", ""])


def test_tables_are_aligned_by_row_not_by_place(make_table):
    table = make_table(30)
    one = table.take(np.arange(0, 20))
    other = table.take(np.random.default_rng(0).permutation(np.arange(10, 30)))
    first, second = aligned(one, other)
    assert first.row_ids == second.row_ids == table.row_ids[10:20]
    np.testing.assert_array_equal(first.scores, second.scores)


def test_labels_in_another_order_are_the_same_labels(make_table):
    table = make_table(30)
    turned = Table(
        Task(labels=[*table.labels[::-1]]), 2 - table.targets, table.scores[:, ::-1], table.row_ids, table.texts
    )
    first, second = aligned(table, turned)
    assert true_labels(first) == true_labels(second)
    np.testing.assert_array_equal(first.right_N, second.right_N)


def test_tables_without_a_common_row_or_with_another_truth_are_refused(make_table):
    table = make_table(10)
    with pytest.raises(DataError, match="no row in common"):
        aligned(table.take(np.arange(5)), table.take(np.arange(5, 10)))
    relabelled = Table(table.task, (table.targets + 1) % 3, table.scores, table.row_ids, table.texts)
    with pytest.raises(DataError, match="different true labels") as caught:
        aligned(table, relabelled)
    assert caught.value.where == "f:1"


def test_written_answers_are_rows_like_others_and_have_to_be_finite():
    ids, task = ["f:0", "f:1"], seq2seq.Task()
    table = Table(
        task, ragged(["a", "b"]), ragged([Written(("a",), (0.5,)), Written(("c", "b"), (0.4, 0.3))]), ids, ids
    )
    assert table.predicted.tolist() == ["a", "c"]
    assert table.right_N.tolist() == [True, False]
    assert table.take(np.array([1])).predicted.tolist() == ["c"]
    with pytest.raises(DataError, match="not a number"):
        Table(task, ragged(["a"]), ragged([Written(("a",), (float("nan"),))]), ids[:1], ids[:1])


def test_tags_that_break_their_scheme_are_an_error_with_the_row_and_unseen_ones_are_judged() -> None:
    task = registry.create("task", "token_classification", labels=["O", "B-X", "I-X"])
    runtime = SimpleNamespace(task=task)
    columns = {"text": ["a b", "c d"]}
    frame = pl.DataFrame({"row_id": ["f:1", "f:2"], "text": columns["text"], "tags": [["B-X", "O"], ["O", "B-Z"]]})
    assert len(_encode_targets(runtime, frame, columns)) == 2
    broken = frame.with_columns(pl.Series("tags", [["B-X", "O"], ["O", "I-X"]]))
    with pytest.raises(DataError, match="breaks BIO") as caught:
        _encode_targets(runtime, broken, columns)
    assert caught.value.where == "row f:2"
