"""Languages that are wanted, short texts, mixed ones, dialogues."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from oreline.data.operators.keep_language import Operator
from oreline.errors import UsageError

FRENCH = "Ce film est vraiment très mauvais, ne le regardez pas"
ENGLISH = "This is the worst film that I have ever seen in my life"
CHINESE = "这部电影真的很好看，我非常喜欢"
JAPANESE = "この映画はとても面白かったです"
MIXED = "这个 project 的 deadline 是 Friday，大家努力"


def reasons(*texts: str | None, **options: Any) -> list[str | None]:
    return Operator(**options).keep(pl.DataFrame({"text": list(texts)}, schema={"text": pl.String})).to_list()


def test_languages() -> None:
    assert reasons(FRENCH, ENGLISH, CHINESE, JAPANESE, None, "") == [
        "language_fr",
        None,
        None,
        "language_ja",
        None,
        None,
    ]
    assert reasons(FRENCH, ENGLISH, CHINESE, languages=["zh"]) == ["language_fr", "language_en", None]
    assert reasons(FRENCH, ENGLISH, CHINESE, languages=["en"]) == ["language_fr", None, "language_zh"]


def test_short_texts_are_judged_by_script() -> None:
    assert reasons("gut", "love it", "好", "666", "😀") == [None] * 5
    assert reasons("Привет") == ["language_ru"]
    assert reasons("gut", "好", "666", languages=["zh"]) == ["language_de", None, None]
    assert reasons("好", "ok", languages=["en"]) == ["language_zh", None]


def test_what_cannot_be_told() -> None:
    unclear = "xqz vrk plomf zzt krrw ybb nnq gfd wpl"
    assert reasons(unclear) == ["language_unsure"]
    assert reasons(unclear, min_score=0.0)[0] != "language_unsure"
    assert reasons(unclear, min_letters=100) == [None]


def test_code_mixed() -> None:
    assert reasons(MIXED) == [None]
    assert reasons(MIXED, languages=["zh"]) == ["code_mixed"]
    assert reasons(MIXED, languages=["zh"], mixed="keep_main") == [None]
    assert reasons(MIXED, CHINESE, mixed="drop") == ["code_mixed", None]


def test_dialogues_are_read_without_their_json() -> None:
    cell = '[{"role": "system", "content": "你是一个助手"}, {"role": "user", "content": "今天天气怎么样"}]'
    assert reasons(cell, languages=["zh"]) == [None]


def test_columns() -> None:
    frame = pl.DataFrame({"text": [CHINESE, CHINESE], "text_pair": [CHINESE, FRENCH]})
    assert Operator(columns=["text", "text_pair"]).keep(frame).to_list() == [None, "language_fr"]
    assert Operator(columns=["absent"]).keep(frame).to_list() == [None, None]


@pytest.mark.parametrize(
    "options", [{"languages": []}, {"languages": ["english"]}, {"languages": ["en", "xx"]}, {"min_score": 2}]
)
def test_impossible_options(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="keep_language"):
        Operator(**options)


def test_calibration_shows_how_sure_wanted_rows_are() -> None:
    """The bound lies where `keep` draws it: at half of min_score, of rows that are long enough."""
    texts = [
        "The weather was fine and we walked to the lake",
        "ok",
        "一部好电影",
        "Un film que je n'ai pas aimé du tout",
        "1 2 3",
    ]
    operator = Operator(languages=["en", "zh"], min_score=0.8)
    found = operator.calibration(pl.DataFrame({"text": texts}))
    assert [value is not None for value in found.values["probability"]] == [True, False, False, False, False]
    (bound,) = found.bounds["wanted"]
    assert (bound.option, bound.side, bound.value) == ("min_score", "low", 0.4)
    rows = pl.DataFrame({"text": ["lorem ipsum dolor sit amet consectetur adipiscing elit " * 2, *texts]})
    beyond = (operator.calibration(rows).values["probability"] < bound.value).fill_null(False)
    unsure = operator.keep(rows) == "language_unsure"
    assert not (beyond & ~unsure.fill_null(False)).any(), "what lies beyond the bound goes"
    assert Operator(columns=["other"]).calibration(rows).values["probability"].null_count() == rows.height
