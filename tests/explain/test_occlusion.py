"""Occlusion against one prediction at a time, in English and Chinese."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.errors import DataError, UsageError
from oreline.explain.occlusion import Explainer
from oreline.explain.words import split, without
from oreline.runtime.open import open_runtime
from oreline.tasks import embedding, pair
from oreline.types import Columns, Predictions

PARTS = ["great", "warm", "awful", "dull", "the", "plot", ",", "喜欢", "糟糕", "电影"]
TEXT = "the plot is great , the scenes warm but the end is awful"


def weights(answer: dict) -> dict[str, float]:
    """The largest weight of each word."""
    found: dict[str, float] = {}
    for entry in answer["words"]:
        found[entry["word"]] = max(found.get(entry["word"], -1.0), entry["weight"])
    return found


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.sampled_from(["great", "warm", "awful", "dull", "the", "plot", ",", "喜欢", "糟糕", "电影"]),
        min_size=1,
        max_size=12,
    )
)
def test_equals_predicting_each_text_on_its_own(model, parts: list[str]):
    text = " ".join(parts)
    answer = Explainer().explain(model, {"text": text})
    index = model.task.labels.index(answer["label"])
    score = model.predict({"text": [text]}).outputs["scores"][0, index]
    assert answer["score"] == pytest.approx(score, abs=1e-6)
    assert score == model.predict({"text": [text]}).outputs["scores"][0].max()
    for entry, word in zip(answer["words"], split(text), strict=True):
        alone = model.predict({"text": [without(text, [word])]}).outputs["scores"][0, index]
        assert entry["weight"] == pytest.approx(score - alone, abs=1e-6)
        assert text[entry["start"] : entry["end"]] == entry["word"]


def test_words_that_mean_something_have_weight_and_others_have_none(model):
    found = weights(Explainer().explain(model, {"text": TEXT}, label="fresh"))
    assert found["great"] > found["warm"] > 0
    assert found["awful"] < 0
    assert found["plot"] == found[","] == found["the"] == 0
    against = weights(Explainer().explain(model, {"text": TEXT}, label="rotten"))
    assert against["great"] == pytest.approx(-found["great"], abs=2e-6)


def test_chinese_by_word(model):
    answer = Explainer().explain(model, {"text": "我很喜欢这部电影"})
    assert answer["label"] == "fresh"
    [best] = [entry for entry in answer["words"] if entry["weight"] > 0]
    assert (best["word"], best["start"], best["end"]) == ("喜欢", 2, 4)


def test_all_variants_are_predicted_in_one_call(model):
    calls = []

    class Counting(type(model)):
        """The same runtime, which writes down what it is asked."""

        def predict(self, columns: Columns, *, embeddings: bool = False) -> Predictions:
            calls.append(len(columns["text"]))
            return super().predict(columns, embeddings=embeddings)

    Explainer().explain(Counting(model.artifact), {"text": TEXT})
    assert calls == [1 + len(split(TEXT))]


def test_a_long_text_is_explained_in_part_and_says_so(model):
    answer = Explainer(max_words=5).explain(model, {"text": TEXT})
    assert len(answer["words"]) == 5
    assert answer["note"] == f"only the first 5 of {len(split(TEXT))} words were weighed"
    assert Explainer().explain(model, {"text": TEXT})["note"] == ""
    assert len(Explainer().explain(model, {"text": "great " * 1000})["words"]) == 200


def test_a_text_that_the_model_cuts_is_said(model):
    class ShortSighted(type(model)):
        """The same runtime, which says that it cut everything."""

        def predict(self, columns: Columns, *, embeddings: bool = False) -> Predictions:
            found = super().predict(columns, embeddings=embeddings)
            return Predictions(found.outputs, None, found.num_tokens_N, ~found.truncated_N)

    assert "longer than the model reads" in Explainer().explain(ShortSighted(model.artifact), {"text": TEXT})["note"]


@pytest.mark.parametrize("text", ["", "   ", "great"])
def test_texts_of_no_word_and_one_word(model, text: str):
    answer = Explainer().explain(model, {"text": text})
    assert [entry["word"] for entry in answer["words"]] == text.split()


def test_unknown_labels_and_senseless_options_are_refused(model):
    with pytest.raises(UsageError, match="no label 'fersh'") as caught:
        Explainer().explain(model, {"text": TEXT}, label="fersh")
    assert "did you mean 'fresh'" in caught.value.allowed
    with pytest.raises(UsageError, match="max_words is 0"):
        Explainer(max_words=0)


class Vectors:
    """A model whose vectors count two words."""

    task = embedding.Task()

    def predict(self, columns: Columns, *, embeddings: bool = False) -> Predictions:
        counts = [[text.count("great"), text.count("dull"), 1.0] for text in columns["text"]]
        nothing = np.zeros(len(counts), dtype=bool)
        return Predictions({"scores": self.task.activate(np.array(counts))}, None, nothing.astype(int), nothing)


def test_a_vector_is_explained_beside_another_texts():
    answer = Explainer().explain(Vectors(), {"text": "a great dull film"}, label="great great")
    assert answer["label"] == "great great"
    assert answer["score"] == pytest.approx((2 + 1) / (3**0.5 * 5**0.5), abs=1e-5)
    found = weights(answer)
    assert found["great"] > 0 > found["dull"]
    assert found["film"] == 0
    with pytest.raises(UsageError, match="a vector alone cannot be explained"):
        Explainer().explain(Vectors(), {"text": "a great film"})


def test_a_second_texts_words_are_weighed_too():
    answer = Explainer().explain(Vectors(), {"text": "a great film", "text_pair": "great and dull"})
    assert (answer["label"], answer["number"]) == ("great and dull", "cosine")
    assert answer["texts"] == {"text": "a great film", "text_pair": "great and dull"}
    found = {(entry["input"], entry["word"]): entry["weight"] for entry in answer["words"]}
    assert list(found)[2:4] == [("text", "film"), ("text_pair", "great")]
    assert found["text_pair", "great"] > 0 > found["text_pair", "dull"]
    assert found["text_pair", "and"] == 0
    with pytest.raises(UsageError, match="two texts are named"):
        Explainer().explain(Vectors(), {"text": "a great film", "text_pair": "dull"}, label="dull")


class Pairs:
    """A model of two texts that says whether both have the word great."""

    task = pair.Task(labels=["other", "same"])

    def predict(self, columns: Columns, *, embeddings: bool = False) -> Predictions:
        both = zip(columns["text"], columns["text_pair"])
        scores = np.array([[0.9, 0.1] if ("great" in a) != ("great" in b) else [0.2, 0.8] for a, b in both])
        nothing = np.zeros(len(scores), dtype=bool)
        return Predictions({"scores": scores}, None, nothing.astype(int), nothing)


def test_of_two_texts_the_words_of_both_are_weighed():
    answer = Explainer().explain(Pairs(), {"text": "a great film", "text_pair": "很 great"})
    assert (answer["label"], answer["score"], answer["number"], answer["span"]) == ("same", 0.8, "probability", None)
    found = {(entry["input"], entry["word"]): entry["weight"] for entry in answer["words"]}
    assert found == {
        ("text", "a"): 0.0, ("text", "great"): 0.7, ("text", "film"): 0.0,
        ("text_pair", "很"): 0.0, ("text_pair", "great"): 0.7,
    }  # fmt: skip
    places = [(entry["start"], entry["end"]) for entry in answer["words"] if entry["input"] == "text_pair"]
    assert places == [(0, 1), (2, 7)]


def test_the_room_is_shared_by_two_long_texts():
    answer = Explainer(max_words=4).explain(Pairs(), {"text": "a b c", "text_pair": "d e f g"})
    assert [entry["word"] for entry in answer["words"]] == ["a", "b", "d", "e"]
    assert answer["note"] == "only the first 4 of 7 words were weighed"


def test_a_text_that_is_missing_is_named():
    with pytest.raises(UsageError, match="reads text and text_pair, and there is no text_pair") as caught:
        Explainer().explain(Pairs(), {"text": "a"})
    assert "--text-pair" in caught.value.remedy


def test_what_a_task_cannot_do_without_is_no_word(triple_models) -> None:
    runtime = open_runtime(triple_models[1])
    answer = Explainer().explain(runtime, {"text": "the <e1:PER>great</e1> with <e2:ORG>dull</e2>"})
    assert [entry["word"] for entry in answer["words"]] == ["the", "PER", "great", "with", "ORG", "dull"], "no marks"
    assert weights(answer)["with"] > max(0, weights(answer)["the"])
    with pytest.raises(DataError, match="no relation can be told"):
        Explainer().explain(runtime, {"text": "no marks"})
