"""Files without a name, which go with what holds them or with the process; they lie where `TMPDIR` says."""

from __future__ import annotations

import contextlib
import os
import tempfile
import weakref
from collections.abc import Iterator
from typing import IO, Any

from oreline.errors import ResourceError
from oreline.store import translating

REMEDY = "free some space, or name a folder on another disk: export TMPDIR=…"


def opened_for(holder: Any) -> IO[bytes]:
    """Return a new file that is closed when its holder goes. Raises `ResourceError` where none can be made."""
    with refusals():
        file = tempfile.TemporaryFile()  # noqa: SIM115  closed with its holder
    weakref.finalize(holder, _close, file)
    return file


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Turn what the operating system refuses of such a file into `ResourceError`."""
    try:
        with translating(tempfile.gettempdir()):
            yield
    except ResourceError as error:
        error.remedy = REMEDY
        raise


def write_whole(file: int, content: memoryview, offset: int) -> None:
    """Write all bytes at a place of a file, given as a descriptor: a disk that becomes full may take some of them."""
    while content:
        written = os.pwrite(file, content, offset)
        content, offset = content[written:], offset + written


def _close(file: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # it tries again to write what a full disk did not take
        file.close()
