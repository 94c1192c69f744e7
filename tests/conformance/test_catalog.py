"""What every catalog entry promises: pinned by content, read without its package's code, described."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oreline import registry
from oreline.errors import ResourceError
from oreline.types import ROLES

NAMES = registry.names("catalog")


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_is_pinned_and_described(name: str) -> None:
    entry = registry.create("catalog", name)
    assert entry.what in ("model", "dataset")
    assert entry.licence
    assert entry.language in ("en", "zh", "other")
    assert re.fullmatch(r"\d+(\.\d+)+", entry.package.version)
    assert entry.members
    for digest in (entry.package.sha256, *(member.sha256 for member in entry.members.values())):
        assert re.fullmatch(r"[0-9a-f]{64}", digest)
    if entry.what == "dataset":
        assert set(entry.roles) <= set(ROLES)
        assert "text" in entry.roles


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_without_connection_says_what_to_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("ORELINE_CACHE", str(tmp_path / "cache"))
    entry = registry.create("catalog", name)
    with pytest.raises(ResourceError, match="cannot fetch"):
        entry.folder() if entry.what == "model" else next(iter(entry.frames()))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_entry_comes_from_the_configured_index(name: str) -> None:
    entry = registry.create("catalog", name)
    if entry.what == "model":
        assert (entry.folder() / "config.json").is_file()
    else:
        first = next(iter(entry.frames(rows=100)))
        assert first.height == 100
        assert set(entry.roles.values()) <= set(first.columns)
