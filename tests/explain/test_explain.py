"""The verb: texts in, answers out, wrong use refused."""

from __future__ import annotations

import pytest

from oreline.errors import UsageError
from oreline.explain.explain import explain
from oreline.explain.occlusion import Explainer


def test_one_answer_for_each_text_in_order(model):
    texts = ["a great film", "an awful film", "我很喜欢"]
    answers = explain(model, texts)
    assert answers == [Explainer().explain(model, {"text": text}) for text in texts]
    assert explain(model, [{"text": text, "stars": 3} for text in texts]) == answers
    assert [answer["label"] for answer in answers] == ["fresh", "rotten", "fresh"]
    assert explain(model, []) == []


def test_label_and_options_reach_the_plug(model):
    [answer] = explain(model, ["a great film"], label="rotten", max_words=2)
    assert answer["label"] == "rotten"
    assert len(answer["words"]) == 2


def test_wrong_use_is_refused(model):
    with pytest.raises(UsageError, match="one string or mapping"):
        explain(model, "a great film")
    with pytest.raises(UsageError, match="row 1 is float"):
        explain(model, ["a", 1.5])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="no explainer named 'oclusion'") as caught:
        explain(model, ["a"], method="oclusion")
    assert "did you mean 'occlusion'" in caught.value.allowed
    with pytest.raises(UsageError, match="no option 'max_word'"):
        explain(model, ["a"], max_word=3)
