"""Numbers of a file at any places."""

from __future__ import annotations

import tempfile

import numpy as np
import pytest

from oreline.data.external.pages import PAGE_BYTES, read_at, write_at


@pytest.mark.parametrize("width", [1, 2, 4])
def test_what_is_read_lies_there(width: int) -> None:
    numbers = np.arange(40_000, dtype=np.uint32).reshape(-1, width)
    places = np.random.default_rng(0).integers(0, len(numbers), 9000)
    with tempfile.TemporaryFile() as file:
        file.write(numbers.tobytes())
        file.flush()
        assert np.array_equal(read_at(file.fileno(), places, numbers.dtype, width), numbers[places])
        assert read_at(file.fileno(), np.zeros(0, np.int64), numbers.dtype, width).shape == (0, width)


def test_what_is_written_stands_beside_what_was_there() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(bytes(3 * PAGE_BYTES))
        file.flush()
        write_at(file.fileno(), np.array([5, 1400, 2]), np.array([1, 2, 3], np.uint64))
        write_at(file.fileno(), np.array([3]), np.array([4], np.uint64))
        found = read_at(file.fileno(), np.array([2, 3, 4, 5, 1400]), np.dtype(np.uint64), 1)
    assert found[:, 0].tolist() == [3, 4, 0, 1, 2]
