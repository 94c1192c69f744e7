"""tf.train.Example: every way to write a value, and nothing that hangs."""

from __future__ import annotations

import contextlib
import random
import struct

import pytest
from tests.data.written import _field, example, varint

from oreline.data.input.tf_example import parse_example


def test_values_come_back() -> None:
    row = {"a": ["x", "好"], "b": [1.5, -2.0], "c": [0, -1, 1 << 62], "d": []}
    assert parse_example(example(row)) == {"a": [b"x", "好".encode()], "b": [1.5, -2.0], "c": [0, -1, 1 << 62], "d": []}


def test_numbers_that_are_not_packed() -> None:
    """Both forms are allowed; protocol buffers of version 2 write this one."""
    floats = b"".join(varint(1 << 3 | 5) + struct.pack("<f", value) for value in (0.5, -4.0))
    whole = b"".join(varint(1 << 3) + varint(value & (1 << 64) - 1) for value in (3, -7))
    entry = _field(1, b"f") + _field(2, _field(2, floats))
    other = _field(1, b"i") + _field(2, _field(3, whole))
    assert parse_example(_field(1, _field(1, entry) + _field(1, other))) == {"f": [0.5, -4.0], "i": [3, -7]}


def test_damaged_messages_raise_value_errors_only() -> None:
    whole = example({"text": ["some text"], "label": [3], "scores": [0.5]})
    chance = random.Random(1)
    for _ in range(3000):
        data = bytearray(whole[: chance.randrange(len(whole) + 1)])
        for _ in range(chance.randrange(4) if data else 0):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with contextlib.suppress(ValueError):
            assert isinstance(parse_example(bytes(data)), dict)


@pytest.mark.parametrize("data", [b"\xff" * 20, b"\x0a\xff\xff\xff\xff\x7f", b"\x0b", _field(2, b"x"), b"\x08\x01"])
def test_what_is_no_example(data: bytes) -> None:
    with pytest.raises(ValueError):
        parse_example(data)
