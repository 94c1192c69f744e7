"""The task: labels from rows, texts to ids, labels to indices, scores to answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from oreline.errors import DataError
from oreline.tasks.text_classification import Task


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """Words a to j, `[CLS]` before and `[SEP]` after."""
    vocabulary = {piece: index for index, piece in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghij"])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made


@pytest.fixture
def task() -> Task:
    return Task(labels=["bad", "good", "so so"])


class TestLabels:
    def test_are_sorted_whatever_the_order_of_the_rows(self):
        assert Task.options_from(["b", "a", "b", None, "c"]) == {"labels": ["a", "b", "c"]}
        assert Task.options_from(["c", "b", "a"]) == Task.options_from(["a", "b", "c"])

    def test_numbers_become_strings(self):
        assert Task.options_from([1, 0, 1]) == {"labels": ["0", "1"]}

    @pytest.mark.parametrize(
        ("targets", "named"), [(["a", "a"], "1 class: a"), ([None, None], "0 class: none"), ([], "0 class")]
    )
    def test_one_class_is_refused(self, targets: list, named: str):
        with pytest.raises(DataError, match=named) as caught:
            Task.options_from(targets)
        assert caught.value.allowed == "two classes or more"

    def test_a_list_of_labels_is_refused_with_its_row(self):
        with pytest.raises(DataError, match="is a list") as caught:
            Task.options_from(["a", "[b]", '["a", "b"]'])  # a name may stand in brackets
        assert caught.value.row == 2
        assert "--task multilabel" in caught.value.remedy

    def test_as_many_classes_as_rows_are_refused(self):
        with pytest.raises(DataError, match="1,000 classes in 1,000 rows") as caught:
            Task.options_from([f"id {row}" for row in range(1000)])
        assert "--label" in caught.value.remedy
        with pytest.raises(DataError, match="30 classes in 30 rows") as caught:
            Task.options_from([f"{number / 7:.3f}" for number in range(30)])
        assert "--task regression" in caught.value.remedy
        assert len(Task.options_from([f"topic {row % 150}" for row in range(1000)])["labels"]) == 150

    def test_options_rebuild_the_task(self, task: Task):
        rebuilt = Task(**json.loads(json.dumps(task.options)))
        assert rebuilt.labels == task.labels == ("bad", "good", "so so")

    @pytest.mark.parametrize("labels", [[], ["a"], ["a", "b", "a"]])
    def test_labels_that_cannot_be_told_apart_are_refused(self, labels: list[str]):
        with pytest.raises(DataError, match="the labels are"):
            Task(labels=labels)


class TestEncode:
    def test_ids_with_special_tokens(self, task: Task, tokenizer: Tokenizer):
        encoded = task.encode({"text": ["a b", "", "zzz j"]}, tokenizer, 10)
        assert [ids.tolist() for ids in encoded.ids] == [[2, 4, 5, 3], [2, 3], [2, 1, 13, 3]]
        assert encoded.truncated_N.tolist() == [False] * 3
        assert encoded.ids[0].dtype == np.int32

    def test_longer_texts_keep_their_beginning_and_the_closing_token(self, task: Task, tokenizer: Tokenizer):
        encoded = task.encode({"text": ["a b c d", "a b", "a b c"]}, tokenizer, 5)
        assert [ids.tolist() for ids in encoded.ids] == [[2, 4, 5, 6, 3], [2, 4, 5, 3], [2, 4, 5, 6, 3]]
        assert encoded.truncated_N.tolist() == [True, False, False]

    @given(st.integers(2, 12), st.integers(0, 30))
    def test_equals_the_tokenizers_own_truncation(self, tokenizer: Tokenizer, max_tokens: int, num_words: int):
        text = " ".join("abcdefghij"[place % 10] for place in range(num_words))
        oracle = Tokenizer.from_str(tokenizer.to_str())
        oracle.enable_truncation(max_tokens)
        encoded = Task(labels=["a", "b"]).encode({"text": [text]}, tokenizer, max_tokens)
        assert encoded.ids[0].tolist() == oracle.encode(text).ids
        assert encoded.truncated_N[0] == (num_words + 2 > max_tokens)

    def test_a_text_of_100_000_characters_is_cut_and_counted(self, task: Task, tokenizer: Tokenizer):
        encoded = task.encode({"text": ["a " * 50_000]}, tokenizer, 256)
        assert (len(encoded.ids[0]), encoded.truncated_N[0]) == (256, True)

    def test_no_rows(self, task: Task, tokenizer: Tokenizer):
        encoded = task.encode({"text": []}, tokenizer, 5)
        assert (encoded.ids, encoded.truncated_N.shape, encoded.truncated_N.dtype) == ([], (0,), bool)


class TestTargets:
    def test_are_indices(self, task: Task):
        assert task.encode_target(["good", "bad", "so so"]).tolist() == [1, 0, 2]
        assert Task(labels=["0", "1"]).encode_target([1, 0]).tolist() == [1, 0]

    def test_one_never_seen_is_refused_with_the_nearest_name(self, task: Task):
        with pytest.raises(DataError, match=r"'godo' \(2 rows\) was never seen in training") as caught:
            task.encode_target(["good", "godo", "godo"])
        assert "did you mean 'good'" in caught.value.allowed


class TestDecode:
    def test_the_most_probable_label_and_all_scores(self, task: Task):
        answers = task.decode({"scores": np.array([[0.2, 0.7, 0.1], [1 / 3, 1 / 3, 1 / 3]], dtype=np.float32)}, {})
        assert answers[0] == {"label": "good", "scores": {"bad": 0.2, "good": 0.7, "so so": 0.1}}
        assert answers[1]["label"] == "bad"
        assert json.loads(json.dumps(answers)) == answers

    @given(st.lists(st.integers(0, 2), max_size=10))
    def test_undoes_encode_target(self, indices: list[int]):
        task = Task(labels=["bad", "good", "so so"])
        labels = [task.labels[index] for index in indices]
        scores_NK = np.eye(3)[task.encode_target(labels)].reshape(-1, 3)
        assert [answer["label"] for answer in task.decode({"scores": scores_NK}, {})] == labels
