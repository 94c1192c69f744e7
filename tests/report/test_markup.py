"""Elements escape whatever they are given."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from oreline.report import formatting
from oreline.report.markup import Markup, escape, tag

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT, ANY_TEXT)
def test_text_and_attributes_come_back_as_they_were(parse, text: str, attribute: str) -> None:
    (element,) = parse(tag("p", text, title=attribute)).children
    assert element.name == "p"
    assert element.text == formatting.clean(text)
    assert element.attributes == {"title": formatting.clean(attribute)}
    assert not element.children


def test_only_markup_passes_unescaped() -> None:
    assert tag("p", "<b>", tag("i", "&"), Markup("<br/>")) == "<p>&lt;b&gt;<i>&amp;</i><br/></p>"
    assert escape("<b>" + Markup("<i>")) == "&lt;b&gt;&lt;i&gt;"


def test_numbers_in_attributes_are_short() -> None:
    assert tag("rect", x=-0.001, y=1234.5678, width=20000.4, height=3) == (
        '<rect x="0" y="1234.57" width="20000" height="3"/>'
    )
