"""Texts in which what is to be found stands in marks: `电话⟦13812345678⟧联系`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

Find = Callable[[str], Iterator[tuple[int, int]]]


def found(find: Find, marked: str) -> tuple[list[str], list[str]]:
    """Return what a finder finds in a text without its marks, and what stands in them."""
    text = re.sub("[⟦⟧]", "", marked)
    return [text[start:end] for start, end in sorted(set(find(text)))], re.findall("⟦(.*?)⟧", marked, flags=re.DOTALL)


@pytest.fixture
def finds() -> Callable[[Find, str], bool]:
    """Whether a finder finds exactly what is marked."""

    def compared(find: Find, marked: str) -> bool:
        there, wanted = found(find, marked)
        assert there == wanted, marked
        return True

    return compared
