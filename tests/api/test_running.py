"""How a refine runs: sizes, engines, the place of the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

import oreline as ore
from oreline.api.operator_models import open_model
from oreline.api.run import planned
from oreline.api.running import num_bytes, running, stages_folder
from oreline.engines.local import Local
from oreline.engines.ray import Ray
from oreline.errors import UsageError
from oreline.recipe import read


def test_options_become_what_refine_runs_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(memory="1 GB", workers=3, cache=str(tmp_path), cache_size="5MB") as how:
        assert isinstance(how.engine, Local)
        assert (how.engine.num_processes, how.memory_bytes) == (3, 1 << 30)
        assert (how.cache, how.cache_bytes, how.open_model) == (tmp_path, 5 << 20, open_model)
    with running(engine="ray") as far:
        assert isinstance(far.engine, Ray)
    assert stages_folder(False) is None
    monkeypatch.setenv("ORELINE_CACHE", str(tmp_path / "own"))
    assert stages_folder(True) == tmp_path / "own" / "refine"


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"memory": "lots"}, "memory is 'lots'"),
        ({"memory": "10MB"}, "memory is '10MB'"),
        ({"cache_size": "-1"}, "cache_size is '-1'"),
        ({"engine": "spark"}, "unknown engine 'spark'"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_what_makes_no_sense_is_refused(option: dict[str, str], says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=says):
        ore.refine({"text": ["a b"], "label": ["x"]}, out=tmp_path / "out", **option)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_sizes() -> None:
    assert [num_bytes("x", size) for size in (7, "7", "1k", "1.5 MiB", "2Gb", "1TB")] == [
        7, 7, 1024, 1_572_864, 2 << 30, 1 << 40,
    ]  # fmt: skip


def test_a_recipe_says_the_engine_once_and_how_it_runs_changes_no_step(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na b,x\n", encoding="utf-8")
    verbs = {"refine": ore.refine, "evaluate": ore.evaluate}
    steps = [{"refine": {"data": str(tmp_path / "a.csv")}}, {"evaluate": {"model": "m", "data": "refine"}}]
    recipe = read({"engine": "ray", "steps": steps}, verbs)
    assert recipe.steps[0].options["engine"] == "ray"
    assert "engine" not in recipe.steps[1].options
    assert read({"engine": "ray", "steps": [{"refine": {"data": "x", "engine": "local"}}]}, verbs).steps[0].options[
        "engine"
    ] == ("local")
    with pytest.raises(UsageError, match="unknown engine 'spark'"):
        read({"engine": "spark", "steps": steps}, verbs)
    keys = {
        planned(read({"steps": [{"refine": {"data": str(tmp_path / "a.csv"), **options}}]}, verbs))[0].key
        for options in ({}, {"workers": 2}, {"memory": "1GB", "cache": True}, {"engine": "ray"})
    }
    assert len(keys) == 1
