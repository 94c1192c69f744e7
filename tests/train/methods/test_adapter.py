"""The method `adapter`, and what later verbs make of its artifacts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oreline as ore
from oreline import registry
from oreline.api import doctor
from oreline.errors import ArtifactError, UsageError
from oreline.runtime.open import open_runtime
from oreline.store import Artifact

FEW = {"epochs": 2, "threads": 1, "learning_rate": 5e-3}
TARGETS: dict[str, Any] = {
    "classes": ["good", "bad"],
    "labels": [["good"], ["bad", "long"]],
    "numbers": [1.0, 3.5],
    "tags": ["O B-X O", "O O B-Y"],
    "frames": ["O B-X O", "O O B-Y"],
    "answers": ["great", None],
    "texts": ["a good film", "a bad film"],
    "retrieval": ["what is good", "what is bad"],
}
STARTS = {"seq2seq": "tiny_t5", "causal": "tiny_llama"}
"""Fixtures of the start models that write, by their head; the others begin with an encoder."""


@pytest.fixture(scope="module")
def lora(reviews, torch_model: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A LoRA artifact of the reviews, on a model that knows them: random weights that stand still teach little."""
    out = tmp_path_factory.mktemp("lora") / "model"
    options = {"pooling": "mean", "rank": 8}
    train = FEW | {"learning_rate": 1e-3}
    return ore.finetune(torch_model, reviews, method="lora", method_options=options, train=train, out=out)


@pytest.mark.parametrize("task", registry.names("task"))
def test_every_task_trains_an_adapter(task: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    plug = registry.get("task", task)
    rows = {
        role: [f"{role} {word} {number}" for number in range(80) for word in ("great", "dull")] for role in plug.inputs
    }
    if hasattr(plug, "fault"):
        rows["text"] = [f"<e1>one</e1> {text} <e2>two</e2>" for text in rows["text"]]
    rows["tags" if plug.view == "frames" else plug.target] = TARGETS[plug.view] * 80
    if plug.view == "frames":
        rows["label"] = TARGETS["classes"] * 80
    data = ore.refine(rows, out=tmp_path / "data")
    train = {"epochs": 1, "threads": 1}
    start = request.getfixturevalue(STARTS.get(plug.head, "tiny_start"))
    only = getattr(plug, "method", None)  # a method that alone teaches the task takes adapters as an option
    method = {"method": only, "method_options": {"adapter": "lora"}} if only else {"method": "lora"}
    model = ore.finetune(start, data, task=task, **method, train=train, out=tmp_path / "model")
    assert ore.evaluate(model, data).metrics
    whole = ore.merge(model, out=tmp_path / "whole")
    test = {role: data.frame("test")[role].to_list() for role in plug.inputs}
    before, after = (open_runtime(opened).predict(test).outputs["scores"] for opened in (model, whole))
    for row_after, row_before in zip(after, before, strict=True):
        if plug.view == "texts":
            assert row_after.texts == row_before.texts
            row_after, row_before = row_after.probabilities, row_before.probabilities
        np.testing.assert_allclose(row_after, row_before, atol=1e-5)


def test_it_learns_and_every_verb_takes_it(lora: Artifact, reviews, tmp_path: Path) -> None:
    assert ore.evaluate(lora, reviews).metrics["accuracy"].value > 0.7
    assert ore.predict(lora, ["a great film"])[0]["label"] in {"fresh", "rotten"}
    [explained] = ore.explain(lora, "a great film")
    assert len(explained["words"]) == 3
    assert doctor.check_folder(lora.path).facts["damaged"] == 0
    again = ore.rerun(lora, out=tmp_path / "again")
    assert again.manifest.files["adapter.safetensors"] == lora.manifest.files["adapter.safetensors"]


@pytest.mark.parametrize("name", ["lora", "prefix_tuning"])
def test_it_is_compressed(name: str, reviews, shallow_start: Path, tmp_path: Path) -> None:
    options = {"pooling": "mean"}
    model = ore.finetune(shallow_start, reviews, method=name, method_options=options, train=FEW, out=tmp_path / "model")
    given = {"graphs": ["sdpa"], "embeddings": False}
    small, report = ore.compress(model, data=reviews, options=given, max_drop=0.3, out=tmp_path / "int8")
    assert small.manifest.lineage[0]["id"] == model.id
    assert small.has("tokenizer.json")
    assert report.facts["size_bytes_before"] > (shallow_start / "model.safetensors").stat().st_size
    before, after = (
        open_runtime(opened).predict({"text": ["a great film"]}).outputs["scores"] for opened in (model, small)
    )
    np.testing.assert_allclose(after, before, atol=0.05)


def test_an_update_trains_it_on(lora: Artifact, reviews, tmp_path: Path) -> None:
    fresh = {"text": [f"a {'great' if n % 2 else 'dull'} film {n}" for n in range(100)],
             "label": ["fresh" if n % 2 else "rotten" for n in range(100)]}  # fmt: skip
    challenger, report = ore.update(lora, fresh, gate=reviews, out=tmp_path / "home", train={"epochs": 1, "threads": 1})
    assert report.facts["decision"] in {"passed", "refused", "undecided"}
    assert challenger.has("adapter.safetensors")
    record = json.loads(challenger.file("adapter.json").read_text())
    assert record["base"] == json.loads(lora.file("adapter.json").read_text())["base"]


def test_training_all_weights_on_from_it_merges_it_first(lora: Artifact, reviews, tmp_path: Path) -> None:
    whole = ore.finetune(lora, reviews, method="full", train={"epochs": 0.1, "threads": 1}, out=tmp_path / "whole")
    assert whole.has("model.safetensors")
    assert whole.has("tokenizer.json")


def test_another_adapter_on_top_is_refused(lora: Artifact, reviews, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the start model has the adapter 'lora' on") as caught:
        ore.finetune(lora, reviews, method="ia3", train=FEW, out=tmp_path / "b")
    assert "oreline merge" in caught.value.remedy


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        ("lorra", {}, "no method named 'lorra'"),
        ("adapter", {"adapter": "lorra"}, "no adapter named 'lorra'"),
        ("lora", {"rnk": 2}, "adapter 'lora' has no option 'rnk'"),
        ("lora", {"rank": 64}, "rank is 64"),
        ("lora", {"targets": ["q_proj"]}, "named 'q_proj'"),
    ],
)
def test_bad_input_is_refused_before_any_work(
    method: str, options: dict, said: str, reviews, tiny_start: Path, tmp_path: Path
):
    with pytest.raises(UsageError, match=said) as caught:
        ore.finetune(tiny_start, reviews, method=method, method_options=options, train=FEW, out=tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
    if "lorra" in said:
        assert "'lora'" in caught.value.allowed


def test_a_base_that_changed_is_refused_by_every_verb(reviews, tiny_start: Path, tmp_path: Path) -> None:
    start = Path(shutil.copytree(tiny_start, tmp_path / "start"))
    model = ore.finetune(start, reviews, method="lora", train={"epochs": 0.1, "threads": 1}, out=tmp_path / "model")
    with (start / "model.safetensors").open("ab") as stream:
        stream.write(b" ")
    for use in (lambda: ore.load(model), lambda: ore.merge(model, out=tmp_path / "whole")):
        with pytest.raises(ArtifactError, match="the base model of this adapter is another one by now"):
            use()
    report = doctor.check_folder(model.path)
    assert report.facts["damaged"] == 1
