"""Texts of example files."""

from __future__ import annotations

from pathlib import Path

import pytest

from oreline.data.quality.example_texts import example_texts
from oreline.errors import DataError


def test_texts_of_several_files(tmp_path: Path):
    (tmp_path / "a.csv").write_text("body,x\nfine,1\n,2\n")
    (tmp_path / "b.jsonl").write_text('{"body": "好"}\n')
    files = [tmp_path / "a.csv", str(tmp_path / "b.jsonl")]
    assert [text for texts in example_texts(files, "body") for text in texts] == ["fine", "好"]
    with pytest.raises(DataError, match="no column 'text'"):
        list(example_texts(files[0], "text"))
