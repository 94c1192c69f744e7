"""Folders that appear and change as a whole; the kills and full disks are in tests/faults/test_store_faults.py."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from oreline import atomic


def make(folder: Path, content: str) -> Path:
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").write_text(content)
    return folder


def test_files_are_copied_and_links_left_out(tmp_path: Path) -> None:
    source = make(tmp_path / "source", "content")
    (source / "link").symlink_to(source / "inner" / "file")
    atomic.copy_files(source, tmp_path / "copy")
    assert [file.relative_to(tmp_path / "copy").as_posix() for file in (tmp_path / "copy").rglob("*")] == [
        "inner", "inner/file",
    ]  # fmt: skip
    assert (tmp_path / "copy" / "inner" / "file").read_text() == "content"


def test_a_failed_copy_keeps_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, copy: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(copy))

    monkeypatch.setattr("oreline.atomic.shutil.copyfile", full)
    with pytest.raises(OSError, match="No space left") as caught:
        atomic.copy_files(make(tmp_path / "source", "content"), tmp_path / "copy")
    assert caught.value.errno == errno.ENOSPC


def test_every_file_and_folder_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr("oreline.atomic.os.fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    folder = make(tmp_path / "folder", "content")
    atomic.fsync_tree(folder)
    paths = [folder, folder / "inner", folder / "inner" / "file"]
    assert sorted(synced) == sorted(path.stat().st_ino for path in paths)


def test_a_text_waits_for_the_disk_alone_or_with_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("oreline.atomic.os.fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    folder = atomic.begun(tmp_path / "model")
    (folder / "inner").mkdir()
    for file in (folder / "a.json", folder / "inner" / "b.json"):
        atomic.write_text(file, "{}")
    assert synced == []
    atomic.fsync_tree(folder)
    assert {file.stat().st_ino for file in (folder / "a.json", folder / "inner" / "b.json")} <= set(synced)
    atomic.end(folder)
    assert list(tmp_path.iterdir()) == []
    folder.mkdir()  # another of the same name has not begun
    atomic.write_text(folder / "c.json", "{}")
    assert synced[-1] == (folder / "c.json").stat().st_ino


HOLDS = """
import sys, time
from pathlib import Path
from oreline import atomic

(atomic.begun(Path(sys.argv[1])) / "half").write_text("x")
print("held", flush=True)
time.sleep(60)
"""


def test_what_a_killed_process_left_goes_and_what_a_living_one_holds_stays(tmp_path: Path) -> None:
    model = tmp_path / "model"
    (tmp_path / ".model.backup01").mkdir()  # somebody's own
    others = atomic.begun(tmp_path / "model.b")
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(model)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        (held,) = tmp_path.glob(".model.unfinished-*")
        atomic.end(atomic.begun(model))
        assert (held / "half").exists(), "its process lives"
        holder.kill()
    own = atomic.begun(model)
    assert atomic.begun(model) != own
    assert not held.exists()
    assert own.is_dir(), "this process lives, too"
    assert others.is_dir()
    assert (tmp_path / ".model.backup01").is_dir()
    for folder in list(atomic._UNFINISHED):
        if folder.parent == tmp_path:
            atomic.end(folder)


def test_a_folder_that_was_taken_for_a_left_one_is_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process looked between the folder's making and its lock."""
    held, made = atomic._held, []

    def late(folder: Path, **how: bool) -> int | None:
        made.append(folder)
        if len(made) == 1:
            folder.rmdir()
        return held(folder, **how)

    monkeypatch.setattr(atomic, "_held", late)
    folder = atomic.begun(tmp_path / "model")
    assert folder == made[1]
    assert list(tmp_path.iterdir()) == [folder]
    atomic.end(folder)


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_takes_the_place_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
    old, new = make(tmp_path / "place", "old"), make(tmp_path / ".place.new", "new")
    atomic.replace(new, old)
    assert (tmp_path / "place" / "inner" / "file").read_text() == "new"
    left = {path.name for path in tmp_path.iterdir()}
    assert left == ({"place", ".place.new"} if can_exchange else {"place"})
    if can_exchange:
        assert (new / "inner" / "file").read_text() == "old", "what was replaced is left to the caller to remove"


def test_a_file_in_the_way_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "place").write_text("a file")
    atomic.replace(make(tmp_path / "new", "new"), tmp_path / "place")
    assert (tmp_path / "place" / "inner" / "file").read_text() == "new"


def test_a_failing_move_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
    old = make(tmp_path / "place", "old")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(errno.ENOTEMPTY if Path(target).exists() else errno.EIO, "failed")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="failed"):
        atomic.replace(make(tmp_path / "new", "new"), old)
    assert (old / "inner" / "file").read_text() == "old"
    assert not list(tmp_path.glob(".place.old.*"))


def test_another_failure_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic.replace(tmp_path / "missing", tmp_path / "place")
