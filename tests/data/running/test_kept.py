"""Stages kept by what they were made of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from oreline import registry
from oreline.data.running.kept import (
    EMPTIED,
    FACTS,
    Kept,
    chained,
    code_of,
    code_of_package,
    files_named,
    forget_done,
    kept_beside,
)
from oreline.data.running.steps import Step
from oreline.errors import ResourceError

KEY = "0" * 64


def fill(kept: Kept, key: str, content: bytes = b"rows") -> Path:
    with kept.making(key) as folder:
        (folder / "rows").mkdir()
        (folder / "rows" / "0.parquet").write_bytes(content)
        return kept.keep(folder, key, {"rows_in": len(content)})


def test_a_stage_is_found_when_it_is_complete(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    assert kept.find(KEY) is None
    place = fill(kept, KEY)
    assert kept.find(KEY) == place
    assert kept.facts(place)["rows_in"] == 4
    assert (place / "rows" / "0.parquet").read_bytes() == b"rows"
    nameless = fill(kept, "")
    assert (nameless / "rows" / "0.parquet").is_file(), "of this run alone"
    assert kept.find("") is None
    kept.close()
    assert [path.name for path in tmp_path.iterdir()] == [KEY]


def test_a_damaged_stage_is_made_again(tmp_path: Path) -> None:
    place = fill(Kept(tmp_path), KEY)
    (place / "rows" / "0.parquet").write_bytes(b"ro")
    kept = Kept(tmp_path)
    assert kept.find(KEY) is None
    fill(kept, KEY)
    assert kept.find(KEY) == place
    (place / FACTS).write_text("{")
    assert kept.find(KEY) is None


def test_what_fails_or_was_killed_leaves_nothing_that_is_found(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    with pytest.raises(ValueError, match="broke"), kept.making(KEY) as folder:
        (folder / "x").write_bytes(b"x")
        raise ValueError("broke")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".making-killed").mkdir()
    Kept(tmp_path)
    assert list(tmp_path.iterdir()) == [], "the folder belongs to one run, which begins"


def test_those_not_used_for_longest_go_and_those_in_use_stay(tmp_path: Path) -> None:
    made = Kept(tmp_path)
    places = [fill(made, str(number) * 64, b"x" * 1000) for number in range(4)]
    for age, place in enumerate(places):
        os.utime(place, (1000 + age, 1000 + age))
    made.close()
    user = Kept(tmp_path, max_bytes=10_000)
    assert user.find("0" * 64)  # used now: the newest, and held
    os.utime(places[0], (1, 1))
    other = Kept(tmp_path, max_bytes=2500)
    other.close()
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["0", "3"]
    user.close()
    Kept(tmp_path, max_bytes=0).close()
    assert list(tmp_path.iterdir()) == []


def test_beside_an_output_stages_stay_only_for_whom_they_serve(tmp_path: Path) -> None:
    out = tmp_path / "data"
    work = tmp_path / ".data.work"
    with kept_beside(out) as kept:
        fill(kept, KEY)
        command = "import sys; from oreline.data.running.kept import kept_beside\nwith kept_beside(sys.argv[1]): pass"
        other = subprocess.run([sys.executable, "-c", command, str(out)], capture_output=True, text=True)
        assert "another run writes" in other.stderr
    assert not work.exists()
    assert kept._held == [], "no file stays open"
    with pytest.raises(ResourceError), kept_beside(out):
        raise ResourceError("the disk is full")
    assert not work.exists()
    with pytest.raises(KeyboardInterrupt), kept_beside(out) as kept:
        fill(kept, KEY)
        raise KeyboardInterrupt
    with kept_beside(out) as kept:
        assert kept.find(KEY)


def step(name: str = "it", plug: str = "keep_length", **options: Any) -> Step:
    return Step(name, registry.create("operator", plug, **options), "keep")


def test_a_key_says_what_steps_do(tmp_path: Path) -> None:
    first = chained(KEY, [step(min=3)])
    assert first == chained(KEY, [step(min=3)])
    assert len(first) == 64
    others = [
        chained("1" * 64, [step(min=3)]),
        chained(KEY, [step(min=4)]),
        chained(KEY, [step("that", min=3)]),
        chained(KEY, [step(plug="drop_empty")]),
        chained(KEY, [step(min=3), step(min=3)]),
    ]
    assert len({first, *others}) == 6
    assert chained("", [step()]) == "", "nothing tells what the rows are"
    assert chained(KEY, [Step("own", object(), "keep")]) == "", "nothing tells what the operator does"
    assert chained(KEY, []) == KEY
    assert code_of(step()) != code_of(step(plug="drop_empty"))


def test_another_polars_makes_stages_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels and texts are kept by hashes that are the same in one version of Polars."""
    before = code_of_package.__wrapped__()
    assert code_of_package.__wrapped__() == before
    monkeypatch.setattr("polars.__version__", "another version")
    assert code_of_package.__wrapped__() != before


def test_files_that_options_name_belong_to_the_key(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("a\n")
    options = {"lists": [str(words), "no file", "x" * 5000], "more": {"model": str(tmp_path)}, "n": 3}
    first = files_named(options)
    assert len(first) == 2
    words.write_text("b\n")
    assert files_named(options)[0] != first[0]
    assert files_named(options)[1] != first[1], "a folder is told by the names, sizes and times of its files"


def test_a_part_that_nothing_reads_any_more_goes_unless_others_may_want_it(tmp_path: Path) -> None:
    own, cache = Kept(tmp_path / "own"), Kept(tmp_path / "cache", max_bytes=1 << 20)
    for kept in (own, cache):
        fill(kept, KEY)
        kept.empty(tmp_path / kept.folder.name / KEY, "rows")
        assert kept.find(KEY) is not None, "what is left of it is complete"
    assert not (tmp_path / "own" / KEY / "rows").exists()
    assert own.facts(tmp_path / "own" / KEY)[EMPTIED] == "rows"
    assert (tmp_path / "cache" / KEY / "rows" / "0.parquet").is_file()
    assert EMPTIED not in cache.facts(tmp_path / "cache" / KEY)
    own.close()
    cache.close()


def test_stages_of_an_output_that_lies_in_its_place_are_forgotten(tmp_path: Path) -> None:
    out, making = tmp_path / "data", tmp_path / "making"
    out.mkdir()
    making.mkdir()
    with pytest.raises(KeyboardInterrupt), kept_beside(out) as kept:
        kept.ends_in(making)
        forget_done(out)
        assert (tmp_path / ".data.work").exists(), "it is being used"
        raise KeyboardInterrupt
    forget_done(out)
    assert (tmp_path / ".data.work").exists(), "what lies there is an older one"
    out.rmdir()
    forget_done(out)
    assert (tmp_path / ".data.work").exists(), "it goes on from there"
    making.rename(out)
    forget_done(out)
    assert not (tmp_path / ".data.work").exists()


@pytest.mark.parametrize("left", [[], [".lock"]])
def test_what_a_kill_during_the_removal_leaves_is_forgotten_too(left: list[str], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / ".data.work").mkdir()
    for name in left:
        (tmp_path / ".data.work" / name).touch()
    forget_done(tmp_path / "data")
    assert not (tmp_path / ".data.work").exists()
