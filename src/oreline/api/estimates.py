"""What a step will take, and looks at the data and the start model that say it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.api import choose, names
from oreline.errors import DataError

if TYPE_CHECKING:
    from oreline.data.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Estimated:
    """What a step will take; None where it cannot be known beforehand."""

    rows: int | None = None
    seconds: tuple[float, float] | None = None
    memory_bytes: int | None = None
    note: str = ""

    def cells(self) -> tuple[str, str, str, str]:
        """Return rows, time, memory and note as text."""
        return (
            f"{self.rows:,}" if self.rows is not None else "",
            " to ".join(dict.fromkeys(duration(s) for s in self.seconds)) if self.seconds else "",
            f"{self.memory_bytes / 2**30:.1f} GiB" if self.memory_bytes else "",
            self.note,
        )


def duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> duration(3.2), duration(250), duration(9000)
    ('3 s', '4 min', '2.5 h')
    """
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def num_rows(data: Any, split: str) -> int | None:
    """Count rows without refining anything."""
    if data is None:
        return None
    from oreline.data.sources import frames

    found, chosen = refined(data)
    if found is not None:
        return found.num_rows(chosen or names.chosen_split(found, split))
    return sum(frame.height for frame in frames(data))


def refined(data: Any) -> tuple[Dataset | None, str]:
    """Return the dataset that was given or named, and the split named with it; None for raw data."""
    from oreline.data.dataset import DATASET, Dataset

    if isinstance(data, Dataset):
        return data, ""
    folder, _, chosen = str(data).partition("#") if isinstance(data, str | Path) else ("", "", "")
    return (Dataset.open(folder), chosen) if folder and (Path(folder) / DATASET).is_file() else (None, "")


def first_texts(options: Mapping[str, Any]) -> list[str]:
    """Return the first texts of a verb's data. Raises `DataError` when there is no such column."""
    return first_values(options, "text")


def first_values(options: Mapping[str, Any], role: str) -> list[str]:
    """Return the first values of a role in a verb's data. Raises `DataError` when there is no such column."""
    from oreline.data.sources import frames

    data = options["data"]
    found, _ = refined(data)
    if found is not None:
        frame, column = found.scan(found.splits[0]).head(choose.SAMPLE_ROWS).collect(), role
    else:
        frame = next(itertools.islice(frames(data, rows=choose.SAMPLE_ROWS), 1))
        column = options.get(role) or names.catalog_roles(data).get(role, role)
    if column not in frame.columns:
        raise DataError(
            f"no column {column!r}", where=str(data)[:200], allowed=", ".join(frame.columns), remedy=f"--{role} COLUMN"
        )
    return [str(text) for text in frame[column].drop_nulls()]
