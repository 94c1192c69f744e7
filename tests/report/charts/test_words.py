"""Texts with their words in colour: every character stands there once, escaped, and the answer is underlined."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from oreline.report.charts.words import draw, shade

WEIGHTS = st.one_of(st.just(0.0), st.floats(-1, 1, allow_nan=False))


def entry(text: str, words: list[tuple[int, int, float]], span: list[int] | None = None) -> dict[str, object]:
    return {
        "name": "text",
        "text": text,
        "words": [{"start": start, "end": end, "weight": weight} for start, end, weight in words],
        "span": span,
    }


def test_words_have_the_colour_of_their_weight(parse) -> None:
    shown = draw({"texts": [entry("很 great <b>film", [(0, 1, -0.2), (2, 7, 1.0), (8, 11, 0.0)])]}, "t")
    assert _text(shown) == "很 great <b>film"
    root = parse(shown)
    assert [(span.text, span.attributes.get("class"), span.attributes.get("title")) for span in root.all("span")] == [
        ("很", "against w1", "-0.200"), ("great", "for w5", "+1.000"), ("<b>", None, "+0.000"),
    ]  # fmt: skip


def test_the_answer_is_underlined_even_within_a_word(parse) -> None:
    root = parse(draw({"texts": [entry("in 1912年", [(3, 8, 1.0)], [3, 7])]}, "t"))
    assert [(span.text, span.attributes["class"]) for span in root.all("span")] == [
        ("1912", "for w5 answer"), ("年", "for w5"),
    ]  # fmt: skip


def test_several_texts_are_named_and_share_a_scale(parse) -> None:
    root = parse(draw({"texts": [entry("a", [(0, 1, 0.2)]), entry("b", [(0, 1, 1.0)])]}, "t"))
    assert [name.text for name in root.all("b")] == ["text", "text"]
    assert [span.attributes["class"] for span in root.all("span")] == ["for w1", "for w5"]


@given(st.text(min_size=1), st.lists(st.tuples(st.integers(0, 20), WEIGHTS), max_size=5), st.data())
def test_no_character_is_lost(text: str, cuts: list[tuple[int, float]], data: st.DataObject) -> None:
    places = sorted({min(place, len(text)) for place, _ in cuts})
    words = [(start, end, 0.5) for start, end in zip(places, places[1:])]
    start = data.draw(st.integers(0, len(text)))
    span = [start, data.draw(st.integers(start, len(text)))]
    shown = draw({"texts": [entry(text, words, span)]}, "t")
    assert shown.count("<span") <= len(words) + 3
    plain = draw({"texts": [entry(text, [])]}, "t")
    assert _text(shown) == _text(plain)


def _text(markup: str) -> str:
    import html
    import re

    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def test_next_to_nothing_has_no_colour() -> None:
    assert shade(0.039, 1.0) == ""
    assert shade(0.041, 1.0) == "for w1"
    assert shade(-1e-9, 1e-9) == "against w5"
