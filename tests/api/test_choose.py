from __future__ import annotations

from pathlib import Path

import pytest

from oreline.api import choose

ENGLISH = ["the film great", "a boring story"] * 20
CHINESE = ["这部电影很好看", "剧情太差了"] * 20


def test_few_rows_train_a_head_and_many_the_whole(tiny_start: Path) -> None:
    method, start, why = choose.decide(choose.FEW_ROWS - 1, ENGLISH, tiny_start)
    assert (method, start) == ("head", tiny_start)
    assert str(choose.FEW_ROWS - 1) in why
    assert choose.decide(choose.FEW_ROWS, ENGLISH, tiny_start)[:2] == ("full", tiny_start)


def test_a_start_model_that_does_not_know_the_words_is_not_used(tiny_start: Path) -> None:
    method, start, why = choose.decide(10_000, CHINESE, tiny_start)
    assert (method, start) == ("linear", None)
    assert "100% of the texts' tokens are unknown" in why


def test_chinese_without_a_start_model_needs_no_fetch() -> None:
    assert choose.decide(10_000, CHINESE, None)[0] == "linear"


def test_unknown_tokens_are_counted(tiny_start: Path) -> None:
    assert choose.unknown_share(tiny_start, ["great film"]) == 0
    assert choose.unknown_share(tiny_start, ["great 电影"]) == pytest.approx(2 / 3)
    assert choose.unknown_share(tiny_start, []) == 0


def test_from_a_dataset(dataset, tiny_start: Path) -> None:
    assert choose.method(dataset, tiny_start)[0] == "full"
