"""Which rules a row is judged by."""

from __future__ import annotations

import polars as pl

from oreline.data.quality.languages import row_languages


def languages(texts: list[str | None], given: list[str | None] | None = None) -> list[str]:
    frame = pl.DataFrame({"text": texts} | ({"language": given} if given else {}), schema_overrides={"text": pl.String})
    return row_languages(frame, "text").to_list()


def test_by_script():
    texts = [
        "A film",
        "这部电影很好看",
        "iPhone手机很喜欢",
        "12 + 3",
        "",
        "Ein schöner Film",
        "русский текст",
        "映画がとても好きです",
        "한국어",
        "ok 好",
    ]
    assert languages(texts) == ["en", "zh", "zh", "en", "en", "en", "other", "other", "other", "zh"]


def test_a_column_of_codes_decides():
    given = ["zh-Hant", "en", "fr", None, "zh+en", "und", "Chinese"]
    assert languages(["film", "电影", "le film", "电影", "film", "电影", "film"], given) == [
        "zh",
        "en",
        "other",
        "zh",
        "zh",
        "zh",
        "en",
    ]


def test_no_rows_and_no_text():
    assert languages([]) == []
    assert languages([None, "电影"]) == ["en", "zh"]
