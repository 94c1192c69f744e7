"""Paths, folders and patterns; links may not lead out."""

from __future__ import annotations

from pathlib import Path

import pytest

from oreline.data.input.paths import files_of, folder_files, is_file
from oreline.errors import DataError


def names(folder: Path, **options: bool) -> list[str]:
    return [
        path.relative_to(folder).as_posix() for path in folder_files(folder, lambda p: p.suffix == ".csv", **options)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("data/a.csv", "data/sub/b.csv", "data/.git/c.csv", "data/sub/.d.csv", "data/e.md", "outside/f.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text\n", encoding="utf-8")
    return tmp_path / "data"


def test_hidden_and_unfitting_files_are_left_out(folder: Path) -> None:
    assert names(folder) == ["a.csv", "sub/b.csv"]
    assert files_of(str(folder / "s*" / "*.csv"), lambda _: True) == [folder / "sub" / "b.csv"]
    assert not is_file("x" * 5000)


@pytest.mark.parametrize("target", ["../outside/f.csv", "../outside"])
def test_links_that_lead_out_are_refused_unless_asked_for(folder: Path, target: str) -> None:
    link = folder / ("g.csv" if target.endswith("csv") else "more")
    link.symlink_to(target)
    with pytest.raises(DataError, match="leads out of the folder") as caught:
        names(folder)
    assert caught.value.where == str(link)
    assert names(folder, links=True) == sorted(["a.csv", "sub/b.csv", "g.csv" if link.suffix else "more/f.csv"])


def test_links_inside_and_loops(folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    (folder / "h.csv").symlink_to("a.csv")
    (folder / "self.csv").symlink_to("self.csv")
    assert names(folder) == ["a.csv", "h.csv", "sub/b.csv"]
    assert names(folder, links=True) == ["a.csv", "h.csv", "sub/b.csv"]


def test_what_is_not_there(folder: Path) -> None:
    with pytest.raises(DataError, match="no file") as caught:
        files_of(str(folder / "aa.csv"), lambda _: True)
    assert "did you mean 'a.csv'" in caught.value.allowed
    assert len(caught.value.what) < 300
    with pytest.raises(DataError, match="no file"):
        files_of("x" * 5000, lambda _: True)
    with pytest.raises(DataError, match="no file"):
        files_of("/dev/zero", lambda _: True)
