"""Two marked entities: written, read again, found from the forms that people have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.metrics.marked import Marked, Mention, mention_of, read_marked, write_marked

TEXTS = st.text(st.sampled_from([*"ab <>e1/2:北 "]), min_size=2, max_size=20)


@given(TEXTS, st.data())
def test_what_is_written_is_read_again(text: str, data: st.DataObject) -> None:
    def mention() -> Mention:
        start = data.draw(st.integers(0, len(text) - 1))
        return Mention(start, data.draw(st.integers(start + 1, len(text))), data.draw(st.sampled_from(["", "PER"])))

    head, tail = mention(), mention()
    try:
        cell = write_marked(text, head, tail)
    except ValueError:
        return
    try:
        found = read_marked(cell)
    except ValueError:
        return  # letters of the text and the marks make up another mark, as in "<" + "<e1>"
    if cell.count("<") == text.count("<") + 4 and "<" not in text and ">" not in text:
        assert found == Marked(text, head, tail)


def test_nested_touching_and_swapped() -> None:
    for head, tail in (((0, 8), (4, 8)), ((4, 8), (0, 8)), ((0, 3), (3, 4)), ((3, 4), (0, 3)), ((2, 5), (1, 3))):
        marked = Marked("New York", Mention(*head), Mention(*tail))
        assert read_marked(write_marked(*marked)) == marked


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("plain", "no <e1> and no <e2>"),
        ("<e1>a</e1> b", "no <e2>"),
        ("<e1>a</e1> <e2>b", "no <e2> with its end"),
        ("<e1></e1> <e2>b</e2>", "nothing stands between <e1>"),
        ("<e1>a</e1> <e1>c</e1> <e2>b</e2>", "twice"),
        ("</e1>a <e2>b</e2>", "without its other half"),
    ],
)
def test_marks_that_do_not_hold(cell: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_marked(cell)


def test_entities_outside_and_texts_with_marks_are_refused() -> None:
    with pytest.raises(ValueError, match="outside of a text of 3"):
        write_marked("Ann", Mention(0, 3), Mention(2, 5))
    with pytest.raises(ValueError, match="mark already"):
        write_marked("<e1>Ann</e1>", Mention(0, 3), Mention(4, 5))


@pytest.mark.parametrize(
    ("given_form", "cell", "expected"),
    [
        ([4, 9], "Ann works", Mention(4, 9)),
        ([4, 9, "X"], "Ann works", Mention(4, 9, "X")),
        ({"start": 4, "end": 9, "type": "X"}, "Ann works", Mention(4, 9, "X")),
        ('{"start": 4, "end": 9, "label": "X"}', "Ann works", Mention(4, 9, "X")),
        ("works", "Ann works", Mention(4, 9)),
        ([1, 2], '["Ann", "works", "here"]', Mention(4, 9)),
        ([1, 3, "X"], '["Ann", "works", "here"]', Mention(4, 14, "X")),
    ],
)
def test_forms(given_form: object, cell: str, expected: Mention) -> None:
    assert mention_of(given_form, cell) == expected


@pytest.mark.parametrize(
    ("given_form", "cell"),
    [("a", "a b a"), ("c", "a b"), ("", "a"), ([1], "a b"), (5, "a b"), ({"start": 1}, "a b"), ([1, 4], '["a", "b"]')],
)
def test_what_is_no_entity(given_form: object, cell: str) -> None:
    with pytest.raises(ValueError, match=r"occurs|no entity|outside"):
        mention_of(given_form, cell)
