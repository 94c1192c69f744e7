"""Explanations as a page: the texts with their words in colour."""

from __future__ import annotations

from oreline.explain.explain import explain
from oreline.explain.page import report_of

TEXT = "the plot is great, 但结尾很糟糕 <b>"


def test_a_page_shows_every_text_and_its_weights(model) -> None:
    answers = explain(model, [TEXT, "awful"])
    report = report_of(answers, model="abc", method="occlusion")
    assert [chart.title for chart in report.charts] == [
        f"{number}. {answer['label']}: probability {answer['score']:.3f}" for number, answer in enumerate(answers, 1)
    ]
    [first] = report.charts[0].data["texts"]
    assert first["text"] == TEXT
    assert first["span"] is None
    strongest = report.tables[0].rows[0]
    assert (strongest[0], strongest[2]) == ("great", "text")
    assert [abs(row[1]) for row in report.tables[0].rows] == sorted(
        (abs(row[1]) for row in report.tables[0].rows), reverse=True
    )
    assert report.to_json()["subject"]["rows"] == 2


def test_a_long_answer_is_cut_and_its_place_kept() -> None:
    word = {"input": "text_pair", "word": "1912", "start": 3, "end": 7, "weight": 0.5}
    answer = {
        "label": "a" * 100, "score": 0.9, "number": "probability", "note": "a note",
        "span": {"input": "text_pair", "start": 3, "end": 7}, "texts": {"text": "When", "text_pair": "in 1912"},
        "words": [word],
    }  # fmt: skip
    report = report_of([answer], model="abc", method="occlusion")
    assert report.charts[0].title == f"1. {'a' * 59}…: probability 0.900"
    assert report.charts[0].note == "a note"
    question, context = report.charts[0].data["texts"]
    assert (question["words"], question["span"]) == ([], None)
    assert (context["words"], context["span"]) == ([{"start": 3, "end": 7, "weight": 0.5}], [3, 7])
