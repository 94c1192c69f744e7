"""The lead baseline copies the beginning of what is read, as long as answers are on average."""

from __future__ import annotations

from pathlib import Path

import pytest

import oreline as ore
from oreline.errors import UsageError


def test_it_copies_so_many_words_as_answers_have(verdicts, tmp_path: Path):
    model = ore.finetune(None, verdicts, task="seq2seq", method="lead", out=tmp_path / "lead")
    assert model.manifest.recipe["resolved"] == {"num_words": 3}
    assert model.manifest.metrics["chrf"]["n"] > 0
    answers = ore.predict(model, ["one two, three four", "one", ""])
    assert [answer["text"] for answer in answers] == ["one two,", "one", ""]
    report = ore.evaluate(model, verdicts)
    assert 0 < report.metrics["chrf"].value < 60


def test_the_number_of_words_may_be_given(verdicts, tmp_path: Path):
    options = {"num_words": 1}
    model = ore.finetune(None, verdicts, task="seq2seq", method="lead", method_options=options, out=tmp_path / "lead")
    assert ore.predict(model, ["这部电影"])[0]["text"] == "这"
    with pytest.raises(UsageError, match="num_words is 0"):
        ore.finetune(None, verdicts, task="seq2seq", method="lead", method_options={"num_words": 0})


def test_other_tasks_have_nothing_to_copy(reviews, tmp_path: Path):
    with pytest.raises(UsageError, match="copies the text"):
        ore.finetune(None, reviews, task="text_classification", method="lead", out=tmp_path / "lead")


def test_it_takes_no_generation(verdicts, tmp_path: Path):
    model = ore.finetune(None, verdicts, task="seq2seq", method="lead", out=tmp_path / "lead")
    with pytest.raises(UsageError, match="generation"):
        ore.load(model, generation={"num_beams": 2})
