"""Lines in the order of numbers, however many they are."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from oreline.data.external.records import SortedRecords

_SIGN_BIT = 1 << 63
_ALL_BITS = (1 << 64) - 1


class SortedLines:
    """Takes lines with a number each and gives them by rising numbers, those of equal ones as they came.

    Args:
        max_bytes: held in memory, about; beyond that sorted runs lie in a temporary file.

    >>> lines = SortedLines(max_bytes=0)
    >>> for number, line in ((0.5, "b"), (0.25, "a"), (0.5, "c")):
    ...     lines.append(number, line)
    >>> list(lines), len(lines)
    (['a', 'b', 'c'], 3)
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._records = SortedRecords(max_bytes=max_bytes)

    def __len__(self) -> int:
        return len(self._records)

    @property
    def is_on_disk(self) -> bool:
        """Whether the bound was passed."""
        return self._records.is_on_disk

    def append(self, number: float, line: str) -> None:
        """Add a line; its number is not `NaN`. Raises `ResourceError` for a full disk."""
        self._records.append(_key(number), line.encode("utf-8", "surrogatepass"))

    def __iter__(self) -> Iterator[str]:
        for _, line in self._records:
            yield line.decode("utf-8", "surrogatepass")


def _key(number: float) -> bytes:
    """Return bytes that sort as numbers do."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", number + 0.0))  # of two zeros one
    return int(bits ^ (_ALL_BITS if bits & _SIGN_BIT else _SIGN_BIT)).to_bytes(8, "big")
