"""A look at raw data."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from oreline.data import profile as profiles
from oreline.data.profile import guess_roles, language_of, profile
from oreline.errors import DataError


def guess(**columns: list[object]) -> dict[str, str]:
    return guess_roles(pl.DataFrame(columns), "data")


N = range(60)
TEXTS = [f"this is the review number {number} of a film" for number in N]
STARS = ["1", "5", "3"] * 20


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"text": TEXTS, "label": STARS}, {"text": "text", "label": "label"}),
        ({"id": [str(n) for n in N], "stars": STARS, "review": TEXTS}, {"text": "review", "label": "stars"}),
        (
            {
                "category": ["a", "b"] * 30,
                "text": TEXTS,
                "movie_name": [f"m{n // 4}" for n in N],
                "x": [True, False] * 30,
            },
            {"text": "text", "label": "category", "group": "movie_name"},
        ),
        (
            {
                "评论": TEXTS,
                "情感": STARS,
                "用户id": [f"u{n % 9}" for n in N],
                "日期": [f"2026-01-{n % 28 + 1}" for n in N],
            },
            {"text": "评论", "label": "情感", "group": "用户id", "time": "日期"},
        ),
        ({"category": ["books", "fruit"] * 30, "label": STARS, "text": TEXTS}, {"text": "text", "label": "label"}),
        ({"text": TEXTS, "created_at": [1_700_000_000 + n for n in N]}, {"text": "text", "time": "created_at"}),
        (
            {"text": TEXTS, "userId": [n % 7 for n in N], "y": [0, 1] * 30},
            {"text": "text", "label": "y", "group": "userId"},
        ),
        ({"url": [f"https://example.org/a/very/long/path/{n}" for n in N], "q": TEXTS}, {"text": "q"}),
        ({"title": [text[:12] for text in TEXTS], "body": [text * 5 for text in TEXTS]}, {"text": "body"}),
        ({"text": TEXTS, "constant": ["x"] * 60, "score": [n / 60 for n in N]}, {"text": "text"}),
    ],
)
def test_roles_are_guessed(columns: dict[str, list[object]], expected: dict[str, str]) -> None:
    assert guess(**columns) == expected


def test_without_text_it_says_so() -> None:
    with pytest.raises(DataError, match="no column looks like text") as caught:
        guess(a=[1, 2], b=["1.5", "2.5"])
    assert caught.value.remedy == "name one: --text COLUMN"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("这部电影很好看，iPhone 拍的", "zh"),
        ("It is a fine film and the cast is good", "en"),
        ("Ein schöner Film, der nie langweilig wird", "other"),
        ("とても面白い映画でした", "other"),
        ("정말 재미있는 영화", "other"),
        ("", "other"),
    ],
)
def test_languages(text: str, expected: str) -> None:
    assert language_of([text]) == expected


def test_a_profile_counts(tmp_path: Path) -> None:
    file = tmp_path / "reviews.csv"
    file.write_text(
        "review,stars\nthe good film,5\nThe  good film,5\nthe bad film,1\nthe bad film,5\n,1\nthis is it,\n"
    )
    found = profile(file)
    assert (found.num_rows, found.num_rows_is_exact, found.num_sampled) == (6, True, 6)
    assert found.roles == {"text": "review", "label": "stars"}
    assert found.classes == {"5": 3, "1": 2}
    assert (found.num_missing_text, found.num_missing_label) == (1, 1)
    assert (found.num_duplicates, found.num_conflicts) == (2, 1)
    assert found.language == "en"
    assert found.columns[1].num_distinct == 2
    assert json.loads(json.dumps(found.to_json()))["columns"][0]["name"] == "review"


def test_the_sample_is_spread_over_the_file(tmp_path: Path) -> None:
    """A file sorted by label shows all of its labels."""
    file = tmp_path / "sorted.csv"
    lines = [f"the text number {n},{'abcdefghij'[n // 1000]}\n" for n in range(10_000)]
    file.write_text("text,label\n" + "".join(lines))
    found = profile(file, rows=500)
    assert found.num_rows == 10_000
    assert 500 <= found.num_sampled <= 1000
    assert set(found.classes) == set("abcdefghij")
    assert max(found.classes.values()) - min(found.classes.values()) <= 2


def test_beyond_a_limit_rows_are_estimated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "_MAX_COUNTED", 1000)
    file = tmp_path / "long.csv"
    file.write_text("text,label\n" + "the text,x\n" * 50_000)
    found = profile(file, rows=100)
    assert not found.num_rows_is_exact
    assert abs(found.num_rows - 50_000) <= 1
