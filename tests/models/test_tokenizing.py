"""A tokenizer that is not there, or is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from oreline.errors import ArtifactError
from oreline.models.tokenizing import tokenizer


def test_a_missing_or_broken_tokenizer_is_named(tiny_start: Path, tmp_path: Path):
    folder = tmp_path / "copy"
    shutil.copytree(tiny_start, folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ArtifactError, match="cannot be read"):
        tokenizer(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ArtifactError, match=r"no tokenizer\.json"):
        tokenizer(folder)
