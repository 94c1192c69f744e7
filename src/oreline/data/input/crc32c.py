"""The checksum CRC-32C of many byte strings at once, in NumPy.

The polynomial of Castagnoli, reflected (RFC 3720, appendix B.4). A checksum without its initial value is linear: that
of A followed by B is that of A, moved by the length of B, plus that of B. So all strings are cut into pieces of one
length, all pieces go through the byte-wise table side by side, and those of one string are then put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78
_PIECE_BYTES = 64
_MASK_DELTA = 0xA282EAD8
"""Of TFRecord: a checksum of data that hold checksums is turned and moved by this."""


def crc32c(strings: Sequence[bytes]) -> NDArray[np.uint32]:
    """Return the CRC-32C of each string.

    >>> [hex(value) for value in crc32c([b"123456789", b"", b"a" * 100])]
    ['0xe3069283', '0x0', '0x...']
    """
    lengths = np.array([len(string) for string in strings], np.int64)
    pieces_N = -(-lengths // _PIECE_BYTES)
    # Zeros in front do not change a checksum that begins with zero; the initial value is added to the first four bytes.
    padded = b"".join(
        bytes(int(pieces) * _PIECE_BYTES - len(string)) + _begun(string) for string, pieces in zip(strings, pieces_N)
    )
    cells = np.frombuffer(padded, np.uint8).reshape(-1, _PIECE_BYTES)
    table, moves = _tables()
    state = np.zeros(len(cells), np.uint32)
    for column in cells.T:
        state = table[(state ^ column) & 0xFF] ^ (state >> np.uint32(8))
    first_N = np.cumsum(pieces_N) - pieces_N
    total = np.zeros(len(strings), np.uint32)
    for number in range(int(pieces_N.max(initial=0))):
        has = np.flatnonzero(pieces_N > number)
        total[has] = _moved(total[has], moves) ^ state[first_N[has] + number]
    total ^= np.uint32(0xFFFFFFFF)
    for index in np.flatnonzero(lengths < 4):
        total[index] = crc32c_of(strings[int(index)])
    return total


def masked(checksum: int) -> int:
    """Return a checksum as TFRecord stores it.

    >>> hex(masked(0xE3069283))
    '0xc78ab0e5'
    """
    turned = (checksum >> 15) | (checksum << 17)
    return (turned + _MASK_DELTA) & 0xFFFFFFFF


def crc32c_of(string: bytes) -> int:
    """Return the CRC-32C of one short string.

    >>> hex(crc32c_of(b"123456789"))
    '0xe3069283'
    """
    table = _plain_table()
    state = 0xFFFFFFFF
    for byte in string:
        state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ 0xFFFFFFFF


def _begun(string: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in string[:4]) + string[4:]


def _moved(state: NDArray[np.uint32], moves: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return checksums as they are after one more piece of zeros."""
    parts = [moves[place][(state >> np.uint32(8 * place)) & 0xFF] for place in range(4)]
    return np.asarray(parts[0] ^ parts[1] ^ parts[2] ^ parts[3], np.uint32)


@lru_cache(maxsize=1)
def _plain_table() -> list[int]:
    return [int(value) for value in _tables()[0]]


@lru_cache(maxsize=1)
def _tables() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> np.uint32(1)) ^ np.uint32(_POLYNOMIAL), table >> np.uint32(1))
    moves = np.stack([np.arange(256, dtype=np.uint32) << np.uint32(8 * place) for place in range(4)])
    for _ in range(_PIECE_BYTES):
        moves = table[moves & 0xFF] ^ (moves >> np.uint32(8))
    return table, moves
