"""The protocol buffer `tf.train.Example`, read without TensorFlow.

`Example { Features features = 1 }`, `Features { map<string, Feature> feature = 1 }`, and a `Feature` holds one of
`BytesList = 1`, `FloatList = 2`, `Int64List = 3`, each with `repeated value = 1`
(https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/example/example.proto).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_FEATURES = 100_000


def parse_example(data: bytes) -> dict[str, list[Any]]:
    """Return the values of each feature: texts as bytes, numbers as floats or integers.

    Raises `ValueError` for what is no such message.

    >>> parse_example(bytes.fromhex("0a0d 0a0b 0a0161 1206 1a04 0a020801"))
    {'a': [8, 1]}
    """
    features: dict[str, list[Any]] = {}
    for number, value in _fields(data):
        if number == 2:
            raise ValueError("it is a SequenceExample, whose lists of features are not read")
        if number != 1:
            continue
        for inner, entry in _fields(_as_bytes(value)):
            if inner == 1:
                name, values = _entry(_as_bytes(entry))
                features[name] = values
                if len(features) > _MAX_FEATURES:
                    raise ValueError(f"it has more than {_MAX_FEATURES:,} features")
    return features


def _entry(data: bytes) -> tuple[str, list[Any]]:
    name, values = "", []
    for number, value in _fields(data):
        if number == 1:
            name = _as_bytes(value).decode()
        elif number == 2:
            for kind, inner in _fields(_as_bytes(value)):
                values = _values(kind, _as_bytes(inner))
    return name, values


def _values(kind: int, data: bytes) -> list[Any]:
    found: list[Any] = []
    for number, value in _fields(data):
        if number != 1:
            continue
        if kind == 1:
            found.append(_as_bytes(value))
        elif kind == 2:
            found.extend(_floats(value))
        elif kind == 3:
            found.extend([_signed(value)] if isinstance(value, int) else map(_signed, _varints(value)))
    return found


def _floats(value: int | bytes) -> tuple[float, ...]:
    data = value if isinstance(value, bytes) else struct.pack("<I", value & 0xFFFFFFFF)
    if len(data) % 4:
        raise ValueError("a list of floats is cut")
    return struct.unpack(f"<{len(data) // 4}f", data)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field of a message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(wire)
        if size is None:
            if wire != _BYTES:
                raise ValueError(f"there is no wire type {wire}")
            size, at = _varint(data, at)
        if at + size > len(data):
            raise ValueError("a field is longer than its message")
        part = data[at : at + size]
        at += size
        yield number, int.from_bytes(part, "little") if wire == _FIXED32 else part


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("a number is cut")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number is longer than ten bytes")


def _varints(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >= 1 << 63 else value


def _as_bytes(value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    raise ValueError("a number stands where a message was expected")
