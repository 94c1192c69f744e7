"""One pass for several operators gives what each would measure alone."""

from __future__ import annotations

import polars as pl

from oreline.data.quality import recent
from oreline.data.quality.statistics import measured

FRAME = pl.DataFrame({"text": ["a b c.", "好的。我们走吧。", "a b a b a b", None, "x"]})


class Asks:
    """An operator that will ask."""


def test_the_numbers_are_those_of_one_alone():
    asks = Asks()
    recent.announce(asks, ["top_2_gram"])
    first = recent.of_frame(FRAME, "text", ["num_words"])
    languages = first[recent.LANGUAGE_OF_ROW]
    assert languages.to_list() == ["en", "zh", "en", "en", "en"]
    assert first["num_words"].equals(measured(FRAME["text"], languages, ["num_words"])["num_words"])
    fewer = FRAME[[2, 0]]
    again = recent.of_frame(fewer, "text", ["top_2_gram"])
    assert again["top_2_gram"].equals(measured(fewer["text"], languages[[2, 0]], ["top_2_gram"])["top_2_gram"])
    others = pl.DataFrame({"text": ["one two"]})
    assert recent.of_frame(others, "text", ["num_words"])["num_words"].to_list() == [2.0]
    assert recent.of_frame(FRAME, "text", ["dup_lines"]).height == 5


def test_the_same_text_in_another_language_is_another():
    frame = pl.DataFrame({"text": ["abc def", "abc def"], "language": ["en", "zh"]})
    assert recent.of_frame(frame, "text", ["num_words"])[recent.LANGUAGE_OF_ROW].to_list() == ["en", "zh"]
