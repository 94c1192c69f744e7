"""How alike two texts are."""

from __future__ import annotations

import polars as pl

from oreline.data.augment.nearness import likeness


def test_marks_and_case_do_not_count_and_words_do() -> None:
    pairs = [
        ("A fine film.", "a fine FILM", 1.0),
        ("a fine film", "a film fine", 0.0),
        ("这部电影很好看", "这部电影很难看", 4 / 8),
        ("", "!", 1.0),
        ("a", "", 0.0),
    ]
    found = likeness(pl.Series([first for first, _, _ in pairs]), pl.Series([second for _, second, _ in pairs]))
    assert found.round(6).tolist() == [round(share, 6) for _, _, share in pairs]
