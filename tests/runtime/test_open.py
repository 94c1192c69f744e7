"""Opening a model: the manifest names the runtime and the task."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from oreline import store
from oreline.errors import ArtifactError, UsageError
from oreline.runtime.open import open_runtime, open_task
from oreline.store import Artifact, Manifest


def test_the_manifest_names_the_runtime(linear_model: Artifact, torch_model: Artifact) -> None:
    for model in (linear_model, torch_model, str(linear_model.path), torch_model.path):
        runtime = open_runtime(model)
        named = importlib.import_module(f"oreline.runtime.{runtime.artifact.manifest.runtime}")
        assert type(runtime) is named.Runtime
        assert runtime.task.labels == ("fresh", "rotten")


def test_a_home_is_its_champion(linear_model: Artifact, tmp_path: Path) -> None:
    version = store.add_version(tmp_path / "home", linear_model)
    store.set_aliases(tmp_path / "home", {"champion": version.version})
    assert open_runtime(tmp_path / "home").artifact.id == linear_model.id


def test_the_task_is_the_one_it_was_trained_for(linear_model: Artifact) -> None:
    task = open_task(linear_model)
    assert task.options == linear_model.manifest.task_options
    assert task.inputs == ("text",)


def test_an_encoder_has_no_task_yet(tmp_path: Path) -> None:
    with store.writing(tmp_path / "encoder") as folder:
        store.seal(folder, Manifest(runtime="torch", task="none"))
    with pytest.raises(ArtifactError, match="no task yet") as caught:
        open_runtime(tmp_path / "encoder")
    assert "oreline finetune" in caught.value.remedy


def test_a_runtime_that_is_not_there_is_named(tmp_path: Path) -> None:
    with store.writing(tmp_path / "model") as folder:
        store.seal(folder, Manifest(runtime="onnxx", task="text_classification", task_options={"labels": ["a", "b"]}))
    with pytest.raises(UsageError, match="no runtime named 'onnxx'") as caught:
        open_runtime(tmp_path / "model")
    assert "onnx" in str(caught.value)


def test_how_texts_are_written_may_be_changed_when_opened(writer_model: Artifact, linear_model: Artifact) -> None:
    runtime = open_runtime(writer_model, generation={"num_beams": 3, "num_answers": 2})
    assert runtime.task.generation.num_beams == 3
    assert runtime.task.generation.max_new_tokens == writer_model.manifest.task_options["generation"]["max_new_tokens"]
    assert runtime.token_budget == type(runtime).token_budget // 3
    [answer] = runtime.predict({"text": ["the dull story"]}).outputs["scores"]
    assert len(answer.texts) == 2
    assert answer.probabilities[0] >= answer.probabilities[1]
    with pytest.raises(UsageError, match="no setting 'beams'"):
        open_runtime(writer_model, generation={"beams": 3})
    with pytest.raises(UsageError, match="writes none"):
        open_runtime(linear_model, generation={"num_beams": 3})


def test_samples_are_repeatable_and_change_with_the_seed(writer_model: Artifact) -> None:
    texts = ["the story", "a movie of a plot", "the scene"]
    drawn = [
        [
            row.texts
            for row in open_runtime(writer_model, generation={"temperature": 2.0, "seed": seed})
            .predict({"text": texts})
            .outputs["scores"]
        ]
        for seed in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
