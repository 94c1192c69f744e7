"""Texts by texts, however many they are: a dictionary, beyond a bound a table on disk."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from oreline.data.external.temporary import REMEDY
from oreline.errors import ResourceError

_ENTRY_BYTES = 220
"""What an entry takes in memory beside its characters, about."""
_LEAST_CACHE_BYTES = 1 << 20


class TextTable:
    """Remembers a text for each of others; the first one given counts.

    Args:
        max_bytes: held in memory, about; beyond that they lie in a temporary file.

    >>> texts = TextTable(max_bytes=0)
    >>> texts.add("a", "first"), texts.add("a", "second"), texts.add("b", "third")
    (True, False, True)
    >>> texts.get("a"), texts.get("c")
    ('first', None)
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held: dict[str, str] = {}
        self._num_bytes = 0
        self._table: sqlite3.Connection | None = None

    @property
    def is_on_disk(self) -> bool:
        """Whether the bound was passed."""
        return self._table is not None

    def get(self, key: str) -> str | None:
        """Return the text that is remembered for one."""
        if self._table is None:
            return self._held.get(key)
        with _translating():  # what was added may have to be written before something is read
            found = self._table.execute("SELECT value FROM texts WHERE key = ?", (_bytes(key),)).fetchone()
        return None if found is None else found[0].decode("utf-8", "surrogatepass")

    def add(self, key: str, value: str) -> bool:
        """Remember a text, and return whether none was for this key. Raises `ResourceError` for a full disk."""
        if self._table is not None:
            return self._write(self._table, [(key, value)]) > 0
        if key in self._held:
            return False
        self._held[key] = value
        self._num_bytes += len(key) + len(value) + _ENTRY_BYTES
        if self._num_bytes > self._max_bytes:
            self._table = self._opened()
            self._write(self._table, self._held.items())
            self._held = {}
        return True

    def _opened(self) -> sqlite3.Connection:
        """Open a table in a file without a name, which goes with the connection; nothing is ever committed."""
        table = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, table.close)
        table.execute("PRAGMA journal_mode = OFF")
        table.execute(f"PRAGMA cache_size = -{max(self._max_bytes, _LEAST_CACHE_BYTES) >> 10}")
        table.execute("CREATE TABLE texts (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
        table.execute("BEGIN")
        return table

    @staticmethod
    def _write(table: sqlite3.Connection, entries: Iterable[tuple[str, str]]) -> int:
        pairs = ((_bytes(key), _bytes(value)) for key, value in entries)
        with _translating():
            return table.executemany("INSERT OR IGNORE INTO texts VALUES (?, ?)", pairs).rowcount


def _bytes(text: str) -> bytes:
    """Return a text as bytes, one that is no Unicode too: a header of a message may be anything."""
    return text.encode("utf-8", "surrogatepass")


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise ResourceError(f"a temporary file cannot be written: {error}", remedy=REMEDY) from error
