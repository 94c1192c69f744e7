"""Key files."""

from __future__ import annotations

from pathlib import Path

import pytest

from oreline.data.pii.keyed import Key
from oreline.errors import DataError, UsageError


def test_a_key_says_the_same_for_the_same_and_tells_purposes_apart() -> None:
    key = Key(b"a" * 32)
    assert key.digest("qq", "12345") == Key(b"a" * 32).digest("qq", "12345")
    assert (
        len(
            {
                key.digest("qq", "12345"),
                key.digest("qq", "12346"),
                key.digest("ip", "12345"),
                Key(b"b" * 32).digest("qq", "12345"),
            }
        )
        == 4
    )


def test_only_the_key_opens_what_is_sealed() -> None:
    sealed = Key(b"a" * 32).seal("张三", "name")
    assert "张三" not in sealed
    assert Key(b"a" * 32).unseal(sealed, "name") == "张三"
    for key, text, purpose in (
        (b"b", sealed, "name"),
        (b"a", sealed, "qq"),
        (b"a", "AAAA" + sealed[4:], "name"),
        (b"a", "x", "name"),
    ):
        with pytest.raises(DataError, match="does not open"):
            Key(key * 32).unseal(text, purpose)


def test_a_key_file_is_read_and_refused(tmp_path: Path) -> None:
    file = tmp_path / "pii.key"
    with pytest.raises(UsageError, match="cannot be read") as missing:
        Key.read(str(file))
    assert "urandom" in missing.value.remedy
    file.write_text("tell-nobody")
    with pytest.raises(UsageError, match="holds 11 bytes") as short:
        Key.read(str(file))
    assert "tell-nobody" not in str(short.value)
    file.write_text(" " + "k" * 32 + "\n")
    assert Key.read(str(file)).digest("qq", "1") == Key(b"k" * 32).digest("qq", "1")
    file.write_text("k" * 5000)
    with pytest.raises(UsageError, match="4097 bytes"):
        Key.read(str(file))
