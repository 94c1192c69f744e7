"""A key from a file: the same value gives the same digest in every process, and who lacks the file learns nothing.

What can be read again is sealed by AES-SIV (RFC 5297): the same value gives the same bytes, so that two runs agree,
and a changed byte does not open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

from oreline.errors import DataError, UsageError

_FEWEST_BYTES, _MOST_BYTES = 32, 4096
_MAKE = "make one that nobody else can read: (umask 077; head -c 32 /dev/urandom | base64 > pii.key)"


class Key:
    """What is derived from one secret, for purposes that know nothing of each other.

    Args:
        secret: 32 bytes or more.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def read(cls, path: str, *, remedy: str = _MAKE) -> Key:
        """Read a key file: its bytes, white space at the ends aside.

        Raises `UsageError` for one that is none, with a remedy: how to make one, where another is not said.
        """
        file = Path(path).expanduser()
        try:
            with file.open("rb") as opened:
                secret = opened.read(_MOST_BYTES + 1).strip()
        except OSError as error:
            raise UsageError(f"the key file cannot be read: {error.strerror}", where=str(file), remedy=remedy) from None
        if not _FEWEST_BYTES <= len(secret) <= _MOST_BYTES:
            raise UsageError(
                f"the key file holds {min(len(secret), _MOST_BYTES + 1)} bytes",
                where=str(file),
                allowed=f"{_FEWEST_BYTES} to {_MOST_BYTES:,} bytes",
                remedy=remedy,
            )
        return cls(secret)

    def digest(self, purpose: str, value: str) -> bytes:
        """Return 32 bytes for a value: HMAC-SHA256.

        >>> Key(b"k" * 32).digest("mobile", "13812345678").hex()[:8]
        'a3f5d5c5'
        """
        return hmac.new(self._secret, f"{purpose}\x00{value}".encode(), hashlib.sha256).digest()

    def seal(self, value: str, purpose: str) -> str:
        """Return a value that only the holder of the key can read, as base64.

        >>> key = Key(b"k" * 32)
        >>> key.unseal(key.seal("13812345678", "mobile"), "mobile")
        '13812345678'
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        sealed = AESSIV(self._sealing()).encrypt(value.encode(), [purpose.encode()])
        return base64.urlsafe_b64encode(sealed).decode()

    def unseal(self, sealed: str, purpose: str) -> str:
        """Return what was sealed. Raises `DataError` where this is not the key, or something was changed."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        try:
            opened = AESSIV(self._sealing()).decrypt(base64.urlsafe_b64decode(sealed), [purpose.encode()])
        except (InvalidTag, ValueError):
            raise DataError("what is sealed does not open", remedy="use the key file that refine was given") from None
        return opened.decode()

    def _sealing(self) -> bytes:
        return hmac.new(self._secret, b"seal", hashlib.sha512).digest()
