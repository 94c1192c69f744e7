"""Numbers in memory and on disk."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.data.duplicates.spool import Spool


@pytest.mark.parametrize("max_bytes", [0, 40, 10_000])
def test_what_is_read_is_what_was_written(max_bytes: int) -> None:
    spool = Spool(np.uint32, width=2, max_bytes=max_bytes)
    assert spool.array().shape == (0, 2)
    parts = [np.arange(size, dtype=np.uint32).reshape(-1, 2) for size in (4, 0, 8, 6)]
    for part in parts:
        spool.append(part)
    assert spool.is_on_disk == (max_bytes < 72)
    assert np.array_equal(spool.array(), np.concatenate(parts))
    assert np.array_equal(spool.array(), np.concatenate(parts)), "as often as it is asked for"
    whole = spool.array()
    spool.release()
    assert np.array_equal(whole, np.concatenate(parts)), "what was let go is read again"
