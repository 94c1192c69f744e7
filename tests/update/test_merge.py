"""An update whose weights are merged with those before: what is judged, what it says, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

import oreline as ore
from oreline import store
from oreline.data.dataset import Dataset
from oreline.errors import UsageError
from oreline.recipe import TrainOptions
from oreline.store import Artifact
from oreline.types import Event
from oreline.update.merge import Merge
from oreline.update.update import update

FEW = {"epochs": 0.5, "threads": 1}


@pytest.fixture(scope="module")
def encoder(old: Dataset, tiny_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A small encoder that knows the old words."""
    return ore.finetune(tiny_start, old, method="full", train=FEW, out=tmp_path_factory.mktemp("encoder") / "model")


@pytest.mark.parametrize("by", ["mean", "ties"])
def test_what_is_judged_lies_between_the_model_in_place_and_the_updated_one(
    by: str, encoder: Artifact, fresh: Dataset, settings: dict[str, Any]
) -> None:
    said: list[Event] = []
    given: dict[str, Any] = {**settings, "options": TrainOptions(epochs=0.2, threads=1), "on_event": said.append}
    new, report = update(encoder, fresh, merge=Merge(by, 0.25), **given)
    assert report.facts["merge"] == by
    assert report.facts["merge_weight"] == 0.25
    assert any(f"merged by {by}, 0.25 of the updated weights: accuracy on dev" in event.message for event in said)
    assert new.manifest.recipe["verb"] == "merge"
    trained, before = (Artifact.open(entry["path"]) for entry in new.manifest.lineage[:2])
    assert before.id == encoder.id
    assert trained.path.is_relative_to(settings["home"]), "what was merged is kept, so that it can be merged again"
    if by == "mean":
        one, two, mixed = (load_file(model.path / "model.safetensors") for model in (trained, before, new))
        for name in mixed:
            np.testing.assert_allclose(mixed[name], 0.25 * one[name].double() + 0.75 * two[name].double(), atol=1e-7)
    assert new.manifest.data == {**trained.manifest.data, "rows": new.manifest.data["rows"]}
    again, _ = update(encoder, fresh, merge=Merge(by, 0.25), **given)
    assert again.id == new.id, "a finished update is not done twice"


def test_a_second_update_learns_as_fast_as_the_first(
    encoder: Artifact, fresh: Dataset, make_data: Any, settings: dict[str, Any]
) -> None:
    options = TrainOptions(epochs=0.1, threads=1)
    first, _ = update(encoder, fresh, **{**settings, "options": options})
    more = fresh.frame("all", ["text", "label"])
    more = make_data(more.with_columns(text=more["text"] + " again"))
    home = settings["home"]
    store.set_aliases(home, {"champion": first.version})
    second, _ = update(first, more, **{**settings, "options": options}, merge=Merge("slerp"))
    rates = [model.manifest.recipe["options"]["train"]["learning_rate"] for model in (first, second)]
    assert rates[0] == rates[1] == pytest.approx(1e-5)


def test_what_cannot_be_merged_is_said_before_the_training(
    encoder: Artifact, served: Artifact, fresh: Dataset, golden: Dataset, tiny_start: Path, old: Dataset, tmp_path: Path
) -> None:
    def refused(model: Artifact, message: str, **more: Any) -> None:
        with pytest.raises(UsageError, match=message):
            ore.update(model, fresh, gate=golden, gate_split="all", **more, out=tmp_path / "home")
        assert not (tmp_path / "home").exists()

    refused(served, "runs on linear", merge="slerp")
    refused(encoder, "merge_weight is 0", merge="slerp", merge_weight=0.0)
    refused(encoder, "no merging named 'slurp'", merge="slurp")
    refused(encoder, "belong to merge", merge_weight=0.3)
    lora = ore.finetune(tiny_start, old, method="lora", train=FEW, out=tmp_path / "lora")
    refused(lora, "is an adapter", merge="mean")
    gone = encoder.manifest.model_copy(
        update={"lineage": [{"verb": "start", "id": "", "path": str(tmp_path / "gone")}]}
    )
    with pytest.raises(UsageError, match="needs the model that the one in place was trained from"):
        Merge("ties").refuse_unfit(Artifact(encoder.path, gone))
