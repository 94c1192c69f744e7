"""What a report shows of written answers."""

from __future__ import annotations

from oreline.evaluate.table import Table
from oreline.evaluate.views.texts import View
from oreline.runtime.windows import ragged
from oreline.tasks.seq2seq import Task
from oreline.types import Written


def table(true: list[str], written: list[str], read: list[str] | None = None) -> Table:
    ids = [f"f:{row}" for row in range(len(true))]
    return Table(Task(), ragged(true), ragged([Written((text,), (0.5,)) for text in written]), ids, read or ids)


def test_answers_are_counted_by_what_they_are():
    shown = table(["a good film", "dull", "warm"], ["a good film", "", "read"], ["x", "y", "read"])
    answers, *_ = View().tables(shown, "test", 0)
    shares = dict(answers.rows)
    assert shares["the very text of the truth"].value == shares["empty"].value == 1 / 3
    assert shares["the text that was read, unchanged"].value == 1 / 3
    assert "mean length in words: 1.3 written, 1.7 true; BLEU" in answers.note
    assert "tok:13a" in answers.note


def test_chinese_is_measured_by_its_own_tokenizer_and_says_so():
    answers, *_ = View().tables(table(["这部电影很好看"], ["这部电影"]), "test", 0)
    assert "tok:zh" in answers.note


def test_the_worst_answers_come_first_and_are_cut_for_the_page():
    shown = table(["a good film", "dull " * 200, "warm"], ["a good movie", "x", "warm"])
    *_, worst = View().tables(shown, "test", 0)
    assert [row[0] for row in worst.rows] == ["f:1", "f:0"]
    assert len(worst.rows[0][2]) <= 202  # with what says that it was cut


def test_lengths_are_shown_shortest_first():
    shown = table(["a b c", "a", "a " * 20], ["a b c", "", "a"])
    _, by_length, *_ = View().tables(shown, "test", 0)
    assert [row[0] for row in by_length.rows] == ["1 to 2 words", "3 to 4 words", "17 to 32 words"]
    [chart] = View().charts(shown, "test")
    assert chart.data["labels"] == ["empty", "1 to 2 words", "3 to 4 words", "17 to 32 words"]
    assert chart.data["series"]["written"] == [1, 1, 1, 0]


def test_answers_that_say_nothing_are_warned_of():
    assert list(View().warnings(table(["a b c d", "b"], ["", ""]), "test")) == [
        "2 of 2 answers are empty",
        "all 2 answers are the same: the model does not look at what it reads",
    ]
    assert list(View().warnings(table(["a b c d", "b"], ["a", "b"]), "test")) == []
    [short] = View().warnings(table(["a", "b"], ["a", "b"]), "test")
    assert "no true answer has 4 words" in short
    assert list(View().warnings(table([], []), "test")) == []
