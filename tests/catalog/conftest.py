"""A package index of our own on disk: real archives, fetched by the real pip."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from oreline.catalog.fetch import Package

MakeWheel = Callable[[Mapping[str, bytes]], Package]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that pip takes for its only index, and an empty cache."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("ORELINE_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def make_wheel(index: Path) -> MakeWheel:
    """Put a wheel of the package `tiny-corpus` 1.0 with these files into the index."""

    def make(files: Mapping[str, bytes]) -> Package:
        file = index / "tiny_corpus-1.0-py3-none-any.whl"
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
            info = "tiny_corpus-1.0.dist-info"
            archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-corpus\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        return Package("tiny-corpus", "1.0", hashlib.sha256(file.read_bytes()).hexdigest())

    return make


@pytest.fixture
def make_source(index: Path) -> MakeWheel:
    """Put a source archive of the package `tiny-corpus` 1.0 with these files into the index."""

    def make(files: Mapping[str, bytes]) -> Package:
        file = index / "tiny-corpus-1.0.tar.gz"
        with tarfile.open(file, "w:gz") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(f"tiny-corpus-1.0/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return Package("tiny-corpus", "1.0", hashlib.sha256(file.read_bytes()).hexdigest(), is_wheel=False)

    return make
