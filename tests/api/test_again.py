from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import oreline as ore
from oreline.api import again
from oreline.errors import ArtifactError, UsageError
from oreline.store import Artifact


def test_a_linear_model_comes_out_with_the_same_bytes(linear_model, tmp_path: Path) -> None:
    made = ore.rerun(linear_model.path, out=tmp_path / "again")
    assert made.manifest.files == linear_model.manifest.files
    assert made.id == linear_model.id


def test_a_torch_model_comes_out_with_the_same_bytes(dataset, tiny_start: Path, tmp_path: Path) -> None:
    first = ore.finetune(tiny_start, dataset, method="full", train={"epochs": 1}, seed=4, out=tmp_path / "first")
    made = ore.rerun(first, out=tmp_path / "again")
    assert made.manifest.files.keys() == first.manifest.files.keys()
    for name, entry in first.manifest.files.items():
        if name != "README.md":
            assert made.manifest.files[name] == entry, name
    for part in ("recipe", "data", "lineage", "golden", "metrics", "task_options"):
        assert getattr(made.manifest, part) == getattr(first.manifest, part)
    shutil.move(tmp_path / "first", tmp_path / "moved")
    with pytest.raises(UsageError, match="start model is not there"):
        again._check_start(tmp_path / "gone", made)


def test_a_model_without_a_recipe(linear_model) -> None:
    bare = Artifact(linear_model.path, linear_model.manifest.model_copy(update={"recipe": {}}))
    with pytest.raises(ArtifactError, match="no recipe that can be run again"):
        again.rerun(bare)


def test_another_start_model_by_now(linear_model, tmp_path: Path) -> None:
    manifest = linear_model.manifest.model_copy(update={"lineage": [{"verb": "finetune", "id": "f" * 64, "path": "x"}]})
    with pytest.raises(UsageError, match="another one by now"):
        again._check_start(linear_model.path, Artifact(linear_model.path, manifest))
