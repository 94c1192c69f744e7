"""What is written appears whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import pytest
from safetensors import SafetensorError

from oreline import outputs
from oreline.errors import ResourceError, UsageError


def test_what_is_written_can_be_read_by_other_users(tmp_path: Path) -> None:
    with outputs.writing(tmp_path / "out") as folder:
        (folder / "inner").mkdir(mode=0o700)
        (folder / "inner" / "weights").touch(mode=0o600)  # as safetensors creates its files
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "out", *(tmp_path / "out").rglob("*"))}
    assert modes == {"out": 0o755, "inner": 0o755, "weights": 0o644}


def test_new_parents_of_what_failed_are_removed_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with pytest.raises(ZeroDivisionError), outputs.writing(tmp_path / "old" / "new" / "out"):
        raise ZeroDivisionError
    assert [entry.name for entry in tmp_path.rglob("*")] == ["old"]


def test_a_refusal_names_the_output_and_not_a_temporary_name(tmp_path: Path) -> None:
    with pytest.raises(ResourceError) as caught, outputs.translating(tmp_path / "out"):
        raise PermissionError(13, "Permission denied", str(tmp_path / ".out.x7k2"))
    assert caught.value.where == str(tmp_path / "out")


def test_a_full_disk_under_safetensors_is_a_full_disk(tmp_path: Path) -> None:
    said = "Error while serializing: I/O error: No space left on device (os error 28)"
    with pytest.raises(ResourceError, match="the disk is full") as caught, outputs.translating(tmp_path / "out"):
        raise SafetensorError(said)
    assert caught.value.where == str(tmp_path / "out")
    with pytest.raises(SafetensorError), outputs.translating(tmp_path / "out"):
        raise SafetensorError("Error while deserializing: header too large")


def test_writing_leaves_all_or_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def fail(*, force: bool = False) -> None:
        with outputs.writing(out, force=force) as folder:
            (folder / "half").write_text("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []
    with outputs.writing(out) as folder:
        (folder / "first").write_text("x")
    with pytest.raises(UsageError, match="exists already") as caught, outputs.writing(out):
        pass
    assert "--force" in caught.value.remedy
    with pytest.raises(ZeroDivisionError):
        fail(force=True)
    assert [file.name for file in out.iterdir()] == ["first"], "the old one stays when the new one fails"
    with outputs.writing(out, force=True) as folder:
        (folder / "second").write_text("x")
    assert [file.name for file in out.iterdir()] == ["second"]
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("number", "message"),
    [(28, "disk is full"), (122, "quota"), (13, "no permission"), (1, "no permission"), (30, "read-only")],
)
def test_the_systems_refusals_are_translated(number: int, message: str) -> None:
    with pytest.raises(ResourceError, match=message), outputs.translating("/here"):
        raise OSError(number, os.strerror(number), "/there/file")
    with pytest.raises(OSError, match="Input/output"), outputs.translating("/here"):
        raise OSError(5, os.strerror(5))


def test_json_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    outputs.write_json(file, {"正": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        outputs.write_json(file, {"bad": float("nan")})
    assert json.loads(file.read_text(encoding="utf-8")) == {"正": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_a_place_below_a_file_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text")
    with pytest.raises(UsageError, match=r"a\.csv is a file"):
        outputs.refuse_existing(tmp_path / "a.csv" / "model", force=True)


def test_what_comes_after_sees_the_output_in_its_place_or_nothing(tmp_path: Path) -> None:
    out, seen = tmp_path / "new" / "out", []
    for fails in (True, False):
        after = contextlib.ExitStack()
        after.callback(lambda: seen.append(sorted(path.name for path in tmp_path.rglob("*"))))
        with contextlib.suppress(ZeroDivisionError), outputs.writing(out, after=after) as folder:
            (folder / "file").write_text("x")
            if fails:
                raise ZeroDivisionError
    assert seen == [["new"], ["file", "new", "out"]]
