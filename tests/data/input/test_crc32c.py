"""CRC-32C beside a bit at a time."""

from __future__ import annotations

import random

from tests.data.written import checksum

from oreline.data.input.crc32c import crc32c, crc32c_of, masked


def test_many_strings_equal_one_bit_at_a_time() -> None:
    chance = random.Random(0)
    strings = [chance.randbytes(length) for length in (0, 1, 3, 4, 5, 63, 64, 65, 127, 128, 129, 500, 2000)]
    strings += [bytes(100), b"\xff" * 64]
    assert [masked(int(value)) for value in crc32c(strings)] == [checksum(string) for string in strings]
    assert [crc32c_of(string) for string in strings] == crc32c(strings).tolist()
    assert crc32c([]).tolist() == []
