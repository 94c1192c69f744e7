"""Entities of tags against seqeval, and the rules of each scheme."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from oreline.metrics.tags import entities, first_break, may_follow, parts, repaired, scheme_of, strays, written

BIO = ["O", "B-X", "I-X", "B-Y", "I-Y"]
BIOES = ["O", *(f"{prefix}-{label}" for prefix in "BIES" for label in "XY")]


@given(st.lists(st.sampled_from(BIO), max_size=12) | st.lists(st.sampled_from(BIOES), max_size=12))
def test_entities_are_seqevals_whatever_the_tags(tags: list[str]) -> None:
    theirs = [(start, end + 1, label) for label, start, end in get_entities(tags)]
    assert [tuple(entity) for entity in entities(tags, scheme_of(tags))] == theirs


@given(st.lists(st.sampled_from(BIOES), max_size=12), st.sampled_from(["bio", "bioes"]))
def test_repaired_tags_keep_to_the_scheme_and_name_the_same_entities(tags: list[str], into: str) -> None:
    made = repaired(tags, "bioes", into)
    assert first_break(made, into) is None
    assert entities(made, into) == entities(tags, "bioes")
    assert repaired(made, into, into) == made


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        (["O"], "bio"), (["B-X"], "bio"), (["B-X", "E-X"], "bioes"), (["B-X", "M-X"], "bioes"), (["U-X", "O"], "bioes"),
        (["NN", "VB"], "plain"), (["O", "PER"], "plain"), (["B-"], "plain"), (["X-PER"], "plain"),
    ],
)  # fmt: skip
def test_schemes_are_told_apart(tags: list[str], scheme: str) -> None:
    assert scheme_of(tags) == scheme


@pytest.mark.parametrize(
    ("tags", "scheme", "broken"),
    [
        (["B-X", "I-X", "O"], "bio", None),
        (["I-X"], "bio", (0, "'I-X' is the first tag")),
        (["B-X", "I-Y"], "bio", (1, "'I-Y' follows 'B-X'")),
        (["B-X", "E-X", "S-Y"], "bioes", None),
        (["B-X", "O"], "bioes", (1, "'O' follows 'B-X'")),
        (["O", "B-X"], "bioes", (1, "'B-X' is the last tag")),
        (["B-X", "M-X", "E-X"], "bioes", None),
        (["NN", "O"], "plain", None),
    ],
)
def test_the_first_break_is_named(tags: list[str], scheme: str, broken: tuple[int, str] | None) -> None:
    assert first_break(tags, scheme) == broken


def test_labels_may_hold_dashes() -> None:
    assert parts("B-a-b", "bio") == ("B", "a-b")
    assert written(2, "a-b", "bio") == ["B-a-b", "I-a-b"]
    assert may_follow("B-a-b", "I-a-b", "bio")


@pytest.mark.parametrize(
    ("tags", "slips"),
    [
        (["O", "B-PER", "I-PER", "LOC"], {"LOC"}),
        (["O", "B-PER", "PER"], {"PER"}),
        (["O", "B-PER", "o"], {"o"}),
        (["O", "B-PER", "B-"], {"B-"}),
        (["O", "B-PER", "b-LOC"], {"b-LOC"}),
        (["O", "PERSON", "CITY", "S-Bahn"], set()),
        (["O", "S-Bahn", "e-mail"], set()),
        (["NN", "B-PER", "VB"], set()),
    ],
)
def test_slips_among_spans_and_plain_tags_that_look_like_one(tags: list[str], slips: set[str]) -> None:
    assert strays(tags) == slips
