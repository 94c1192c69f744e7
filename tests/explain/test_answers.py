"""The number that an explanation follows: a label's score, or what the task says it is."""

from __future__ import annotations

import numpy as np
import pytest

import oreline as ore
from oreline.errors import UsageError
from oreline.explain.answers import explained
from oreline.runtime.open import open_runtime


def test_a_labels_probability_is_the_models(model):
    texts = ["a great film", "an awful film"]
    found = explained(model, {"text": texts}, "fresh")
    np.testing.assert_allclose(found.numbers_V, model.predict({"text": texts}).outputs["scores"][:, 0], rtol=1e-6)
    assert (found.label, found.number, found.span, found.truncated) == ("fresh", "probability", None, False)
    assert explained(model, {"text": texts[::-1]}).label == "rotten"


def test_a_text_is_as_probable_as_its_tokens(writer_model):
    runtime = open_runtime(writer_model, threads=1)
    right, wrong = (
        explained(runtime, {"text": ["the story is dull"]}, answer).numbers_V[0]
        for answer in ("a dull film", "a warm film")
    )
    assert right > wrong
    [answer] = ore.predict(writer_model, ["the story is dull"])
    assert right == pytest.approx(answer["probability"], abs=1e-4)


def test_the_telling_word_of_a_written_answer_comes_first(writer_model):
    [explained] = ore.explain(writer_model, "the movie of this dull story")
    assert explained["label"] == "a dull film"
    assert max(explained["words"], key=lambda word: word["weight"])["word"] == "dull"
    [other] = ore.explain(writer_model, "the movie of this dull story", label="a warm film")
    assert other["score"] < explained["score"]


def test_a_model_that_only_copies_explains_nothing(verdicts, tmp_path):
    model = ore.finetune(None, verdicts, task="seq2seq", method="lead", out=tmp_path / "lead")
    with pytest.raises(UsageError, match="cannot say how probable"):
        ore.explain(model, "a film")


def test_the_deletion_test_follows_written_answers(writer_model, verdicts):
    report = ore.deletion_test(writer_model, verdicts, rows=12)
    assert report.metrics["deletion_gain"].value > 0
