"""Random numbers that follow from seed, operator and row."""

from __future__ import annotations

from oreline.data.augment.chance import chance


def test_each_of_the_three_counts() -> None:
    drawn = {chance(seed, name, row).random() for seed in (0, 1) for name in ("x", "y") for row in ("a:1", "a:2")}
    assert len(drawn) == 8
    assert chance(0, "x", "a:1").random() == chance(0, "x", "a:1").random()
