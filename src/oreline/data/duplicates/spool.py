"""Numbers that may grow past memory: kept there up to a bound, then in a temporary file."""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from oreline.store import translating


class Spool:
    """One array that is appended to, and then read as a whole.

    The file has no name and goes with the spool or with the process; it lies where `TMPDIR` says.

    >>> spool = Spool(np.uint32, max_bytes=8)
    >>> for part in ([1, 2], [3, 4]):
    ...     spool.append(np.array(part, np.uint32))
    >>> spool.array().tolist(), spool.is_on_disk
    ([1, 2, 3, 4], True)
    """

    def __init__(self, dtype: DTypeLike, *, max_bytes: int, width: int | None = None) -> None:
        self._dtype, self._width, self._max_bytes = np.dtype(dtype), width, max_bytes
        self._parts: list[NDArray[Any]] = []
        self._file: IO[bytes] | None = None
        self._num_bytes = 0

    @property
    def is_on_disk(self) -> bool:
        """Whether the bound was passed."""
        return self._file is not None

    def append(self, part: NDArray[Any]) -> None:
        """Add numbers. Raises `ResourceError` for a full disk."""
        self._parts.append(np.ascontiguousarray(part, self._dtype))
        self._num_bytes += part.nbytes
        if self._file is None and self._num_bytes > self._max_bytes:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the spool
            weakref.finalize(self, self._file.close)
        if self._file is not None:
            with translating(Path(tempfile.gettempdir())):
                for waiting in self._parts:
                    self._file.write(waiting.tobytes())
            self._parts.clear()

    def array(self) -> NDArray[Any]:
        """Return all numbers; from disk they are mapped, so that the system reads what is looked at."""
        shape: tuple[int, ...] = (-1,) if self._width is None else (-1, self._width)
        if self._file is None:
            empty = np.zeros(0, self._dtype)
            return np.concatenate([part.reshape(-1) for part in self._parts] or [empty]).reshape(shape)
        with translating(Path(tempfile.gettempdir())):
            self._file.flush()
        return np.memmap(self._file, self._dtype, "r").reshape(shape)
