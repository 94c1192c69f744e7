"""Characters that look alike."""

from __future__ import annotations

import random

from oreline.data.augment.near_shapes import like_looking, near_shapes


def test_the_list_goes_both_ways_and_holds_no_character_itself() -> None:
    shapes = near_shapes()
    assert len(shapes) > 500
    for character, others in shapes.items():
        assert len(character) == 1
        assert character not in others
        assert all(character in shapes[other] for other in others)
    assert {"己", "巳"} == set(shapes["已"])


def test_one_character_changes() -> None:
    for _ in range(5):
        other = like_looking("服务人员", random.Random(0))
        assert other is not None
        assert sum(a != b for a, b in zip(other, "服务人员", strict=True)) == 1
    assert like_looking("の", random.Random(0)) is None
