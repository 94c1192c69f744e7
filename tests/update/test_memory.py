"""What a model remembers: its rows through several updates, and the ancestor that can be trained."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oreline import store
from oreline.data.dataset import Dataset
from oreline.data.fold import row_hashes
from oreline.errors import ArtifactError
from oreline.runtime.open import open_task
from oreline.runtime.samples import read_samples
from oreline.store import Artifact
from oreline.update.memory import DATA, remember, trainable
from oreline.update.update import update


def test_rows_come_from_the_training_data_while_it_is_there(
    model: Artifact, old: Dataset, golden: Dataset, tmp_path: Path
) -> None:
    known = remember((model, model), open_task(model), golden.frame("all"), tmp_path / "home")
    assert [data.fingerprint for data in known.sources] == [old.fingerprint]
    assert sorted(known.old["row_id"]) == sorted(old.frame("train")["row_id"])
    assert np.array_equal(known.trained, np.unique(row_hashes(old.frame("train"), ["text"])))
    assert np.array_equal(known.golden, row_hashes(golden.frame("all"), ["text"]))
    assert set(known.reference["text"]) <= set(old.frame("dev")["text"])
    assert known.old.columns == known.reference.columns == ["row_id", "text", "label"]


def test_data_that_is_another_by_now_is_not_taken(
    model: Artifact, golden: Dataset, fresh: Dataset, tmp_path: Path
) -> None:
    manifest = model.manifest.model_copy(update={"data": {**model.manifest.data, "path": str(fresh.path)}})
    store.seal(model.path, manifest)
    moved = Artifact.open(model.path)
    known = remember((moved, moved), open_task(moved), golden.frame("all"), tmp_path / "home")
    assert known.sources == ()
    assert set(known.old["text"]) == set(read_samples(moved, "replay")["text"])


def test_the_rows_of_all_updates_are_found_also_in_a_home_that_moved(
    model: Artifact, fresh: Dataset, golden: Dataset, old: Dataset, settings: dict[str, Any], tmp_path: Path
) -> None:
    new, _ = update(model, fresh, **settings)
    home = tmp_path / "elsewhere"
    settings["home"].rename(home)
    moved = Artifact.open(home)
    assert moved.id == new.id
    known = remember((moved, moved), open_task(moved), golden.frame("all"), home)
    assert [data.path.parent for data in known.sources] == [home / DATA, old.path.parent]
    assert set(old.frame("train")["text"]) < set(known.old["text"])
    assert known.old["text"].n_unique() == known.old.height


def compressed(model: Artifact, folder: Path, lineage: list[dict[str, str]]) -> Artifact:
    """A folder that says it is a compressed model of this line."""
    copy = shutil.copytree(model.path, folder)
    store.seal(copy, model.manifest.model_copy(update={"runtime": "onnx", "lineage": lineage}))
    return Artifact.open(copy)


def test_a_model_that_is_not_compressed_is_trained_itself(model: Artifact, tmp_path: Path) -> None:
    assert trainable(model, tmp_path / "home") is model


def test_the_origin_is_found_where_it_lay_or_in_the_home(model: Artifact, tmp_path: Path) -> None:
    entry = {"verb": "finetune", "id": model.id, "path": str(model.path)}
    twice = [{"verb": "compress", "id": "f" * 64, "path": "/nowhere"}, entry]
    small = compressed(model, tmp_path / "small", twice)
    assert trainable(small, tmp_path / "home").path == model.path
    stored = store.add_version(tmp_path / "home", model)
    shutil.rmtree(model.path)
    assert trainable(small, tmp_path / "home").path == stored.path


def test_an_older_ancestor_does_not_stand_in(model: Artifact, served: Artifact, tmp_path: Path) -> None:
    """It would not know what was learnt since."""
    older = {"verb": "finetune", "id": served.id, "path": str(served.path)}
    gone = {"verb": "finetune", "id": "e" * 64, "path": str(tmp_path / "gone")}
    small = compressed(model, tmp_path / "small", [gone, older])
    with pytest.raises(ArtifactError, match="the model it was made from is not there any more") as caught:
        trainable(small, tmp_path / "home")
    assert caught.value.where == str(tmp_path / "gone")


def test_another_model_in_the_place_of_the_origin_is_not_taken(
    model: Artifact, served: Artifact, tmp_path: Path
) -> None:
    small = compressed(model, tmp_path / "small", [{"verb": "finetune", "id": "e" * 64, "path": str(served.path)}])
    with pytest.raises(ArtifactError, match="is not there any more"):
        trainable(small, tmp_path / "home")
