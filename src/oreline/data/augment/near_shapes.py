"""Which Chinese characters look alike, as people err who write by shape and machines that read pictures.

By a list of its own, `lists/near_shapes_zh.txt`: the packages that hold decompositions of characters are pickles, which
Oreline does not open.
"""

from __future__ import annotations

import functools
import random
from pathlib import Path


def like_looking(word: str, chance: random.Random) -> str | None:
    """Return a word with one character that looks like the one before; None where there is none.

    >>> like_looking("已经", random.Random(0)) in ("己经", "巳经", "已轻", "已径", "已劲")
    True
    """
    shapes = near_shapes()
    places = [place for place, character in enumerate(word) if character in shapes]
    if not places:
        return None
    place = chance.choice(places)
    return word[:place] + chance.choice(shapes[word[place]]) + word[place + 1 :]


@functools.cache
def near_shapes() -> dict[str, tuple[str, ...]]:
    """Return the characters that look like each."""
    file = Path(__file__).parent / "lists" / "near_shapes_zh.txt"
    found: dict[str, dict[str, None]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        for character in line if not line.startswith("#") else "":
            found.setdefault(character, {}).update(dict.fromkeys(line.replace(character, "")))
    return {character: tuple(others) for character, others in found.items()}
