"""Furniture of pages goes, by pattern and by what was learnt from the data."""

from __future__ import annotations

import json

import polars as pl
import pytest

from oreline.data.operators.drop_boilerplate import Operator
from oreline.errors import UsageError


def rows(*texts: str | None) -> pl.DataFrame:
    return pl.DataFrame(
        {"row_id": [f"a:{n}" for n in range(len(texts))], "text": list(texts)}, schema_overrides={"text": pl.String}
    )


def test_furniture_goes_and_text_stays() -> None:
    texts = [
        "首页 > 新闻\n他来了。\n点击阅读全文",
        "Read more",
        "Home\nHelp\nSearch",
        "他来了。（责任编辑：王五）",
        None,
        "one line",
    ]
    found = Operator().edit(rows(*texts))
    assert found["text"].to_list() == ["他来了。", "Read more", "Home\nHelp\nSearch", "他来了。", None, "one line"]
    assert found["change_reason"].to_list() == ["furniture", None, None, "byline", None, None]


def test_what_stands_in_many_texts_is_learnt() -> None:
    pages = rows(*(f"The Daily Post\nstory {n}\nmore of story {n}" for n in range(40)), "The Daily Post")
    operator = Operator()
    assert operator.edit(pages)["change_reason"].null_count() == 41
    learnt = json.loads(json.dumps(operator.fit(pages.lazy())))
    assert learnt == {"lines": ["The Daily Post"]}
    again = Operator()
    again.learnt(learnt)
    found = again.edit(pages)
    assert found["text"][7] == "story 7\nmore of story 7"
    assert found["text"][40] == "The Daily Post"
    assert found["change_reason"].to_list() == [*["repeated_line"] * 40, None]
    assert Operator(share=0).fit(pages.lazy()) == {"lines": []}


def test_reviews_that_repeat_are_not_learnt() -> None:
    reviews = rows(*["很好", "不错", "Great product"] * 100)
    assert Operator().fit(reviews.lazy()) == {"lines": []}


@pytest.mark.parametrize("options", [{"share": -0.1}, {"num_texts": 1}, {"lines": 1}])
def test_impossible_options(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="drop_boilerplate"):
        Operator(**options)  # type: ignore[arg-type]
