"""An adapter that was folded into its base comes out again, and the base is as it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import oreline as ore
from oreline import registry
from oreline.errors import ArtifactError, UsageError
from oreline.models.base import BASES, hashes
from oreline.runtime.open import open_runtime

MERGING = [name for name in registry.names("adapter") if registry.get("adapter", name).merges]
TEXTS = {"text": ["a great film", "a dull plot with a weak story", "好", ""]}
FEW = {"epochs": 1, "threads": 1}


@pytest.mark.parametrize("name", MERGING)
def test_adapter_and_base_are_what_they_were(name: str, reviews, tiny_start: Path, tmp_path: Path) -> None:
    start = Path(shutil.copytree(tiny_start, tmp_path / "start"))
    before = hashes(start)
    model = ore.finetune(start, reviews, method=name, train=FEW, out=tmp_path / "a")
    whole = ore.merge(model, out=tmp_path / "whole")
    answers = open_runtime(model).predict(TEXTS).outputs["scores"]
    shutil.rmtree(model.path)  # what is merged needs it no more, and gives it back all the same
    again = ore.merge(whole, undo=True, out=tmp_path / "again")
    assert hashes(start) == before
    assert again.manifest.recipe == model.manifest.recipe
    assert again.manifest.lineage == model.manifest.lineage
    assert {f for f in again.manifest.files if f != "README.md"} == {
        f for f in model.manifest.files if f != "README.md"
    }
    assert again.manifest.files["adapter.safetensors"] == model.manifest.files["adapter.safetensors"]
    np.testing.assert_array_equal(open_runtime(again).predict(TEXTS).outputs["scores"], answers)
    twice = ore.merge(again, out=tmp_path / "twice")
    assert twice.manifest.files["model.safetensors"] == whole.manifest.files["model.safetensors"]


def test_what_writes_comes_back_with_its_files(verdicts, tiny_t5: Path, tmp_path: Path) -> None:
    model = ore.finetune(str(tiny_t5), verdicts, task="seq2seq", method="lora", train=FEW, out=tmp_path / "a")
    again = ore.merge(ore.merge(model, out=tmp_path / "whole"), undo=True, out=tmp_path / "again")
    assert again.manifest.files.keys() == model.manifest.files.keys()
    assert [r["text"] for r in ore.predict(again, ["a great film"])] == [
        r["text"] for r in ore.predict(model, ["a great film"])
    ]


def test_a_base_that_is_gone_or_another_one_is_said_and_nothing_written(
    reviews, tiny_start: Path, shallow_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Path(shutil.copytree(tiny_start, tmp_path / "start"))
    whole = ore.merge(
        ore.finetune(start, reviews, method="lora", train=FEW, out=tmp_path / "a"), out=tmp_path / "whole"
    )
    start.rename(tmp_path / "moved")
    for is_there, said in ((False, "is not there"), (True, "is another one by now")):
        if is_there:
            shutil.copytree(shallow_start, start)
        with pytest.raises(ArtifactError, match=said) as told:
            ore.merge(whole, undo=True, out=tmp_path / "again")
        assert BASES in told.value.remedy
        assert not (tmp_path / "again").exists()
    monkeypatch.setenv(BASES, str(tmp_path / "moved"))
    assert ore.merge(whole, undo=True, out=tmp_path / "again").has("adapter.safetensors")


def test_what_was_not_merged_is_refused(torch_model, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to take out again: no adapter was folded into this model") as told:
        ore.merge(torch_model, undo=True, out=tmp_path / "again")
    assert "model card" in told.value.remedy
    with pytest.raises(UsageError, match="undo takes an adapter out of one model"):
        ore.merge(torch_model, others=[torch_model], undo=True, out=tmp_path / "again")
    assert list(tmp_path.iterdir()) == []
