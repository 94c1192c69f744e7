"""Several models as one: what fits together, what the artifact says, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

import oreline as ore
from oreline.errors import UsageError
from oreline.runtime.open import open_runtime
from oreline.store import TRAIN_ROWS, Artifact

FEW = {"epochs": 0.5, "threads": 1}


@pytest.fixture(scope="module")
def parents(reviews, tiny_start: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Artifact]:
    """Two models of one start, which differ in their rate; their heads lie in a file of their own."""
    place = tmp_path_factory.mktemp("parents")
    return [
        ore.finetune(
            tiny_start,
            reviews,
            method="full",
            method_options={"pooling": "mean"},
            train={**FEW, "learning_rate": rate},
            out=place / str(rate),
        )
        for rate in (1e-3, 5e-3)
    ]


@pytest.mark.parametrize(("by", "more"), [("mean", {"weights": [3, 1]}), ("slerp", {}), ("ties", {})])
def test_a_merged_model_is_one_ordinary_artifact(
    by: str, more: dict[str, Any], parents: list[Artifact], reviews, tiny_start: Path, tmp_path: Path
) -> None:
    first, second = parents
    merged = ore.merge(first, others=[second], by=by, **more, out=tmp_path / "m")
    manifest = merged.manifest
    assert [entry["id"] for entry in manifest.lineage] == [first.id, second.id, ""]
    assert manifest.lineage[-1]["path"] == str(tiny_start)
    assert manifest.recipe["options"]["others"] == [str(second.path)]
    assert merged.has("head.safetensors")
    one, two, new = (load_file(model.path / "model.safetensors") for model in (first, second, merged))
    if by == "mean":
        for name in one:
            np.testing.assert_allclose(new[name], 0.75 * one[name].double() + 0.25 * two[name].double(), atol=1e-7)
    report = ore.evaluate(merged, reviews, split="dev", baseline="none")
    assert manifest.metrics["accuracy"]["value"] == report.metrics["accuracy"].value
    assert json.loads((merged.path / "report.json").read_text())["tables"][0]["title"] == "Parents"
    scores = open_runtime(merged).predict({"text": [row["inputs"]["text"] for row in manifest.golden[:1]]})
    np.testing.assert_allclose(scores.outputs["scores"][0], manifest.golden[0]["scores"], atol=1e-5)
    again = ore.rerun(merged, out=tmp_path / "again")
    assert again.manifest.files == merged.manifest.files


def test_rows_of_all_parents_count_as_trained_on(parents: list[Artifact], reviews, tmp_path: Path) -> None:
    first, second = parents
    other = tmp_path / "other"
    shutil.copytree(second.path, other)
    dev = ore.Dataset.open(reviews.path).frame("dev")
    from oreline.data.fold import row_hashes

    hashes = row_hashes(dev, ["text"])[:10]
    np.unique(np.concatenate([np.fromfile(other / TRAIN_ROWS, dtype="<u8"), hashes])).tofile(other / TRAIN_ROWS)
    from oreline import store

    store.seal(other, second.manifest)
    merged = ore.merge(first, others=[Artifact.open(other)], out=tmp_path / "m")
    assert set(hashes.tolist()) <= set(np.fromfile(merged.file(TRAIN_ROWS), dtype="<u8").tolist())
    assert merged.manifest.metrics["accuracy"]["n"] == dev.height - 10


@pytest.mark.parametrize("is_first", [False, True])
def test_a_pooler_that_no_model_reads_may_be_lacking(parents: list[Artifact], is_first: bool, tmp_path: Path) -> None:
    first, second = parents
    whole = ore.merge(first, others=[second], out=tmp_path / "whole")
    lacking = _without(first if is_first else second, "pooler.", tmp_path / "lacking")
    one, other = (lacking, second) if is_first else (first, lacking)
    merged = ore.merge(one, others=[other], out=tmp_path / "merged")
    assert not any("pooler" in name for name in load_file(merged.path / "model.safetensors"))
    texts = {"text": ["a great film", "a dull plot"]}
    expected, given = (open_runtime(model).predict(texts).outputs["scores"] for model in (whole, merged))
    np.testing.assert_array_equal(given, expected)


def test_models_that_do_not_fit_are_refused(
    parents: list[Artifact], linear_model: Artifact, reviews, tiny_start: Path, tmp_path: Path
) -> None:
    first, second = parents

    def refused(others: list[Any], message: str, **more: Any) -> UsageError:
        with pytest.raises(UsageError, match=message) as caught:
            ore.merge(first, others=others, out=tmp_path / "m", **more)
        assert not (tmp_path / "m").exists()
        return caught.value

    refused([linear_model], "runs on linear")
    third = _with_config(second, tmp_path / "third")
    refused([second, third], "slerp joins 2 models, and there are 3", by="slerp")
    assert "weights" in refused([second, first], f"the model {first.version} is named twice").remedy
    refused([second, second], f"the model {second.version} is named twice")
    refused([second], "the weights are", weights=[1.0])
    assert "not all 0" in refused([second], "the weights are", weights=[0.0, 0.0]).allowed
    refused([second], "no merging named 'meen'", by="meen")
    lora = ore.finetune(tiny_start, reviews, method="lora", train=FEW, out=tmp_path / "lora")
    assert "oreline merge" in refused([lora], "is an adapter").remedy
    refused([_with_labels(second, tmp_path / "swapped")], "other labels, or in another order")
    refused([_with_config(second, tmp_path / "config")], "config.json differs in 'layer_norm_eps'")
    refused([_with_tokenizer(second, tmp_path / "tokenizer")], "other tokenizers")
    gone = "encoder.layer.1.output.dense.bias"
    lacking = refused([_without(second, gone, tmp_path / "lacking")], rf"the other of the models has no '{gone}'")
    assert "one start model" in lacking.remedy
    refused(
        [second], "none of the models' weights", by="ties", base=_renamed_start(tiny_start, tmp_path / "start", "a.b.")
    )


def _changed(artifact: Artifact, folder: Path) -> Path:
    shutil.copytree(artifact.path, folder)
    return folder


def _sealed(folder: Path, artifact: Artifact, **changes: Any) -> Artifact:
    from oreline import store

    store.seal(folder, artifact.manifest.model_copy(update=changes))
    return Artifact.open(folder)


def _with_labels(artifact: Artifact, folder: Path) -> Artifact:
    options = {**artifact.manifest.task_options, "labels": list(reversed(artifact.manifest.task_options["labels"]))}
    return _sealed(_changed(artifact, folder), artifact, task_options=options)


def _without(artifact: Artifact, beginning: str, folder: Path) -> Artifact:
    file = _changed(artifact, folder) / "model.safetensors"
    weights = {name: weight for name, weight in load_file(file).items() if not name.startswith(beginning)}
    save_file(weights, file, metadata={"format": "pt"})
    return _sealed(folder, artifact)


def _with_config(artifact: Artifact, folder: Path) -> Artifact:
    file = _changed(artifact, folder) / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "layer_norm_eps": 1e-5}))
    return _sealed(folder, artifact)


def _with_tokenizer(artifact: Artifact, folder: Path) -> Artifact:
    file = _changed(artifact, folder) / "tokenizer.json"
    file.write_text(file.read_text() + "\n")
    return _sealed(folder, artifact)


def test_a_base_whose_weights_bear_a_prefix(parents: list[Artifact], tiny_start: Path, tmp_path: Path) -> None:
    """A start model with a masked-language head has its encoder below one more name."""
    prefixed = _renamed_start(tiny_start, tmp_path / "start", "bert.")
    made = [
        ore.merge(parents[0], others=[parents[1]], by="ties", base=base, out=tmp_path / name)
        for name, base in (("prefixed", prefixed), ("plain", tiny_start))
    ]
    one, other = (load_file(model.path / "model.safetensors") for model in made)
    assert all(bool((one[name] == other[name]).all()) for name in one)


def _renamed_start(start: Path, folder: Path, prefix: str) -> Path:
    from safetensors.torch import save_file

    shutil.copytree(start, folder)
    weights = load_file(folder / "model.safetensors")
    save_file({f"{prefix}{name}": tensor for name, tensor in weights.items()}, folder / "model.safetensors")
    return folder
