from __future__ import annotations

import pytest

from oreline import registry
from oreline.errors import UsageError
from oreline.train.describe import check, label_texts, require_one_text_one_class


def test_one_text_or_several_describe_a_label():
    assert check({"good": "it is good", 1: ["one", "the first"]}, "m") == {
        "good": ("it is good",),
        "1": ("one", "the first"),
    }


@pytest.mark.parametrize("wrong", ["good", ["good"], {"good": ""}, {"good": []}, {"good": 3}, {"good": ["a", " "]}])
def test_what_is_no_description_is_refused(wrong):
    with pytest.raises(UsageError, match=r"m: .*descri"):
        check(wrong, "m")


def test_names_stand_in_unless_they_mean_nothing():
    assert label_texts(["a_b", "c"], {"c": ("see",)}) == [("a b",), ("see",)]
    assert label_texts(["a_b", "c"], {"c": ("see",)}, names=False) == [(), ("see",)]


def test_a_description_of_no_label_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="'positve', which no row has") as caught:
        label_texts(["negative", "positive"], {"positve": ("good",)})
    assert "positive" in caught.value.allowed


def test_other_tasks_are_refused():
    require_one_text_one_class(registry.get("task", "text_classification"), "m")
    for task in ("multilabel", "pair", "relation", "token_classification"):
        with pytest.raises(UsageError, match="one class") as caught:
            require_one_text_one_class(registry.get("task", task), "m")
        assert "--method head" in str(caught.value.remedy)
    with pytest.raises(UsageError, match="one class") as caught:
        require_one_text_one_class(registry.get("task", "question_answering"), "m")
    assert caught.value.remedy == "--method full"  # `head` answers no questions
