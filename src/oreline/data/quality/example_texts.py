"""Texts of files that a user gives an operator as examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from oreline.data.forms.roles import bind
from oreline.data.sources import sources


def example_texts(files: str | Path | Sequence[str | Path], column: str) -> Iterator[list[str]]:
    """Yield the texts of files, a frame at a time.

    Args:
        files: one or several, of any kind that refine reads.
        column: the column with the text.

    Raises `DataError` for a file that cannot be read or has no such column.
    """
    for part in sources([files] if isinstance(files, str | Path) else list(files)):
        for frame in part.frames():
            bound = bind(frame.columns[1:], {"text": column}, part.place)
            yield [text for text in frame[bound["text"]].cast(str).to_list() if text]
