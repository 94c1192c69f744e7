"""Rows in which a masked language model put other words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from oreline import registry
from oreline.data.refine import Running, refine
from oreline.errors import UsageError

NAME = "augment_masked"
ROWS = {"text": ["a fine film", "很好看的电影", "not 3"], "label": ["en", "zh", "en"]}


class Filler:
    def fill(self, gaps: Sequence[tuple[str, str]], top: int) -> list[list[tuple[str, float]]]:
        return [[("good", 0.6), ("美", 0.3)][:top] for _ in gaps]


def test_words_come_from_the_model_in_both_languages(tmp_path: Path) -> None:
    operators: list[Any] = [(NAME, registry.create("operator", NAME, model="stand", times=2))]
    how = Running(open_model=lambda place: Filler())  # type: ignore[arg-type, return-value]
    data = refine({"train": ROWS}, operators=operators, split={}, out=tmp_path / "data", running=how)
    made = dict(data.ledger().select("row_id", "kept_id").rows())
    texts = dict(data.frame("train").select("row_id", "text").rows())
    assert set(made.values()) == {"data:1", "data:2"}
    for row, origin in made.items():
        assert ("good" in texts[row]) == (origin == "data:1")
        assert ("美" in texts[row]) == (origin == "data:2")
    assert set(data.ledger()["reason"]) == {"masked"}


def test_options() -> None:
    with pytest.raises(UsageError, match="needs the option 'model'"):
        registry.create("operator", NAME)
    with pytest.raises(UsageError, match="min_probability"):
        registry.create("operator", NAME, model="x", min_probability=1.0)
