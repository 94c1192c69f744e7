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


def test_models_of_several_tasks_are_made_again_together(tiny_start: Path, tmp_path: Path) -> None:
    texts = {"text": [f"a {word} film {n}" for n, word in enumerate(["great", "dull"] * 20)]}
    tasks = {"mood": {**texts, "label": ["good", "bad"] * 20}, "end": {**texts, "label": list("aabb") * 10}}
    train = {"epochs": 1, "threads": 1, "rows_per_step": 8}
    given = {name: {"data": ore.refine(rows, operators=[], out=tmp_path / name)} for name, rows in tasks.items()}
    ore.multitask(given, start=str(tiny_start), temperature=2, alone=False, train=train, out=tmp_path / "both")
    said: list[str] = []
    made = ore.rerun(tmp_path / "both" / "mood", out=tmp_path / "b", on_event=lambda event: said.append(event.message))
    assert made.path == tmp_path / "b" / "mood"
    assert said[-1].startswith("the models of all 2 tasks lie in")
    for name in tasks:
        first, again_made = (Artifact.open(tmp_path / folder / name).manifest for folder in ("both", "b"))
        assert again_made.files == first.files
        assert again_made.recipe == first.recipe
        assert again_made.metrics == first.metrics
    options = {name: value for name, value in made.manifest.recipe["options"].items() if name != "tasks"}
    old = Artifact(made.path, made.manifest.model_copy(update={"recipe": {"verb": "multitask", "options": options}}))
    with pytest.raises(ArtifactError, match="does not say what the other tasks"):
        again.rerun(old)
    shutil.rmtree(tmp_path / "end")
    with pytest.raises(UsageError, match="not there any more"):
        ore.rerun(tmp_path / "both" / "mood", out=tmp_path / "c")


def test_a_network_is_pretrained_again_to_the_same_bytes_and_goes_on(dataset, tmp_path: Path) -> None:
    options = {"width": 16, "layers": 1, "heads": 2, "vocabulary": 80, "positions": 64}
    train = {"epochs": 2, "threads": 1}
    first = ore.pretrain(
        dataset, start="new:transformer-tiny", start_options=options, train=train, out=tmp_path / "first"
    )
    made = ore.rerun(first, out=tmp_path / "again")
    assert {name: entry for name, entry in made.manifest.files.items() if name.endswith((".safetensors", ".json"))} == {
        name: entry for name, entry in first.manifest.files.items() if name.endswith((".safetensors", ".json"))
    }
    assert made.manifest.recipe == first.manifest.recipe
    assert made.manifest.metrics == first.manifest.metrics
    with pytest.raises(UsageError, match="there is no network"):
        ore.pretrain(dataset, start="new:transformer-tny", out=tmp_path / "no")


def test_a_model_without_a_recipe(linear_model) -> None:
    bare = Artifact(linear_model.path, linear_model.manifest.model_copy(update={"recipe": {}}))
    with pytest.raises(ArtifactError, match="no recipe that can be run again"):
        again.rerun(bare)


def test_another_start_model_by_now(linear_model, tmp_path: Path) -> None:
    manifest = linear_model.manifest.model_copy(update={"lineage": [{"verb": "finetune", "id": "f" * 64, "path": "x"}]})
    with pytest.raises(UsageError, match="another one by now"):
        again._check_start(linear_model.path, Artifact(linear_model.path, manifest))
