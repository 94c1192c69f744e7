"""What every adapter must do. A new file in `models/adapters/` is tested here without a line of its own."""

from __future__ import annotations

import functools
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.killed import kill_after
from transformers import BertConfig, BertModel

from oreline import registry, store
from oreline.errors import UsageError
from oreline.evaluate.estimates import point_values
from oreline.models.adapted import open_classifier, save_adapter
from oreline.models.adapting import adapter_of, fold, merge, num_trained, put_on, unmerge
from oreline.models.base import describe_base
from oreline.models.batch import Batch, make_batch
from oreline.recipe import TrainOptions
from oreline.runtime.open import open_runtime
from oreline.store import Artifact
from oreline.train.finetune import finetune

ADAPTERS = registry.names("adapter")
MERGING = [name for name in ADAPTERS if registry.get("adapter", name).merges]
ROWS = [np.array([2, 7, 9, 11, 3], np.int32), np.array([2, 8, 3], np.int32), np.array([2, 12, 6, 3], np.int32)]
TARGETS = {
    "sequence_classification": np.array([0, 1, 2]),
    "multilabel": np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1]], np.float32),
    "regression": np.array([0.5, -1.0, 2.0], np.float32),
}


def adapted(start: Path, name: str, pooling: str = "mean", head: str = "sequence_classification") -> tuple[Any, Any]:
    """Return a head, and an encoder under it with an adapter on, in evaluation mode."""
    torch.manual_seed(0)
    opened = registry.create("head", head, num_labels=1 if head == "regression" else 3, pooling=pooling)
    model = opened.module(start)
    put_on(model, registry.create("adapter", name))
    return opened, model.eval()


def batch_of(head: str = "sequence_classification") -> Batch:
    """Return three rows of different lengths."""
    return make_batch(ROWS, 0, targets=TARGETS[head])


def trained(head: Any, model: Any, batch: Batch, num_steps: int) -> list[float]:
    """Make steps on the same rows, as the loop makes them; returns the loss before each."""
    adapter = adapter_of(model)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-3)
    adapter.watch(model, optimizer, 10)
    losses = []
    for _ in range(num_steps):
        loss = head.loss(model, batch) / batch.weight
        losses.append(float(loss.detach()))
        penalty = adapter.penalty(model)
        (loss if penalty is None else loss + penalty).backward()
        optimizer.step()
        optimizer.zero_grad()
    return losses


def plain_names(model: Any) -> dict[str, torch.Tensor]:
    """Return all weights, those of adapted layers by the names that they have in the start model."""
    return {name.replace(".base_layer.", "."): tensor.clone() for name, tensor in model.state_dict().items()}


def logits(head: Any, model: Any) -> np.ndarray:
    """Return the logits of the three rows."""
    return head.outputs(model, batch_of())[0]


def test_there_are_adapters() -> None:
    assert {"lora", "bottleneck", "prefix_tuning"} <= set(ADAPTERS)


# What is read of the tokens and what is made of it are tried together once: neither knows of the other.
@pytest.mark.parametrize(
    ("pooling", "head"), [("first", "sequence_classification"), *(("mean", head) for head in TARGETS)]
)
@pytest.mark.parametrize("name", ADAPTERS)
def test_only_the_adapter_and_the_head_train_and_the_loss_falls(
    name: str, pooling: str, head: str, tiny_start: Path
) -> None:
    opened, model = adapted(tiny_start, name, pooling, head)
    untouched = plain_names(
        registry.create("head", head, num_labels=opened.num_labels, pooling=pooling).module(tiny_start)
    )
    before = plain_names(model)
    losses = trained(opened, model, batch_of(head), 3)
    assert losses[2] < losses[0]
    after = plain_names(model)
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    base = {key for key in untouched if not key.startswith("classifier.")}
    assert moved, "something is trained"
    assert not moved & base, "the base stays as it is"
    assert all(torch.equal(after[key], untouched[key]) for key in base)
    assert any(key.startswith("classifier.") for key in moved), "the head trains"
    few, whole = num_trained(model)
    assert 0 < few < whole / 2


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_is_the_same_under_a_seed(name: str, tiny_start: Path) -> None:
    made = [adapted(tiny_start, name)[1].state_dict() for _ in range(2)]
    assert made[0].keys() == made[1].keys()
    assert all(torch.equal(made[0][key], made[1][key]) for key in made[0])


@pytest.mark.parametrize("pooling", ["first", "mean"])
@pytest.mark.parametrize("name", ADAPTERS)
def test_a_saved_adapter_gives_the_same_logits(name: str, pooling: str, tiny_start: Path, tmp_path: Path) -> None:
    head, model = adapted(tiny_start, name, pooling)
    trained(head, model, batch_of(), 3)
    save_adapter(model, tmp_path, adapter=name, options={}, base=describe_base(tiny_start))
    again = registry.create("head", "sequence_classification", num_labels=3).module(tmp_path).eval()
    np.testing.assert_array_equal(logits(head, again), logits(head, model))
    assert {file.name for file in tmp_path.iterdir()} == {"adapter.json", "adapter.safetensors"}
    assert num_trained(again) == num_trained(model)


@pytest.mark.parametrize("name", ADAPTERS)
def test_what_is_saved_is_what_was_trained_and_no_more(name: str, tiny_start: Path, tmp_path: Path) -> None:
    _, model = adapted(tiny_start, name)
    save_adapter(model, tmp_path, adapter=name, options={}, base=describe_base(tiny_start))
    size_bytes = (tmp_path / "adapter.safetensors").stat().st_size
    values = 4 * num_trained(model)[0]  # fp32, whatever AdaLoRA or the virtual tokens keep beside them
    names = sum(parameter.requires_grad for parameter in model.parameters())
    assert values < size_bytes < values + 100 + 250 * names
    record = json.loads((tmp_path / "adapter.json").read_text())
    assert record["base"]["files"]["model.safetensors"] == store.file_sha256(tiny_start / "model.safetensors")
    assert (tmp_path / "adapter.json").stat().st_size < 2000


@pytest.fixture(scope="module")
def minilm_shape(tiny_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A start model of all-MiniLM-L6-v2's sizes, with random weights."""
    folder = tmp_path_factory.mktemp("minilm") / "start"
    shape = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
    BertModel(BertConfig(vocab_size=30522, max_position_embeddings=512, **shape)).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((tiny_start / "tokenizer.json").read_bytes())
    return folder


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_of_minilm_is_of_some_hundred_kilobytes_and_below_one_percent(name: str, minilm_shape: Path) -> None:
    """docs/how-to.md says how many; LoRA by its default has 147,456 weights beside those of the head, 0.65 %."""
    _, model = adapted(minilm_shape, name)
    few, whole = num_trained(model)
    assert 4 * few < 700_000
    assert few < 0.01 * whole
    if name == "lora":
        assert few == 6 * 2 * 16 * (384 + 384) + 3 * (384 + 1)


@pytest.mark.parametrize("name", ADAPTERS)
def test_padding_changes_nothing(name: str, tiny_start: Path) -> None:
    head, model = adapted(tiny_start, name)
    trained(head, model, batch_of(), 3)
    with torch.inference_mode():
        alone_1K, _ = head.outputs(model, make_batch(ROWS[1:2], 0))
    np.testing.assert_allclose(alone_1K[0], logits(head, model)[1], atol=1e-5)


@pytest.mark.parametrize("pooling", ["first", "mean"])
@pytest.mark.parametrize("name", MERGING)
def test_merging_changes_no_logit_and_is_undone(name: str, pooling: str, tiny_start: Path) -> None:
    head, model = adapted(tiny_start, name, pooling)
    base = plain_names(model)
    trained(head, model, batch_of(), 5)
    before = logits(head, model)
    merge(model)
    np.testing.assert_allclose(logits(head, model), before, atol=1e-5)
    merged = plain_names(model)
    assert any(not torch.equal(merged[key], base[key]) for key in base if "layer" in key and key.endswith(".weight"))
    unmerge(model)
    plain = open_classifier(tiny_start, 3, pooling=pooling).state_dict()
    unmerged = plain_names(model)
    for key in plain.keys() - {"classifier.weight", "classifier.bias"}:
        torch.testing.assert_close(unmerged[key], plain[key], atol=2e-6, rtol=1e-5)
    fold(model)
    np.testing.assert_allclose(logits(head, model), before, atol=1e-5)
    assert adapter_of(model) is None
    assert model.state_dict().keys() == plain.keys()
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("name", sorted(set(ADAPTERS) - set(MERGING)))
def test_what_cannot_be_merged_says_so(name: str, tiny_start: Path) -> None:
    _, model = adapted(tiny_start, name)
    with pytest.raises(UsageError, match=f"'{name}' cannot be merged"):
        merge(model)


@pytest.mark.parametrize("name", ADAPTERS)
def test_options_survive_json_and_unknown_ones_are_refused(name: str) -> None:
    plug = registry.get("adapter", name)
    defaults = {o.name: o.default for o in registry.options_of(plug)}
    rebuilt = registry.create("adapter", name, **json.loads(json.dumps(defaults)))
    assert vars(rebuilt) == vars(plug())
    with pytest.raises(UsageError, match="has no option 'rnk'"):
        registry.create("adapter", name, rnk=4)


# --- as the methods that they are -------------------------------------------------------------------------------


def artifact_of(name: str, start: Path, data: Any, out: Path, **options: Any) -> Artifact:
    """Train an adapter by its name."""
    given = {"epochs": 1, "threads": 1} | options.pop("train", {})
    watched = {"on_event": options.pop("on_event")} if "on_event" in options else {}
    return finetune(
        start,
        data,
        task="text_classification",
        method=name,
        method_options={"pooling": "mean", **options},
        options=TrainOptions(**given),
        out=out,
        score=point_values,
        **watched,
    )


def weights_of(artifact: Artifact) -> str:
    """Return the hash of what was trained."""
    return artifact.manifest.files["adapter.safetensors"]["sha256"]


WATCHED = {"epochs": 1, "checkpoint_every_s": 1e-6, "dropout": 0.1}
"""Training that writes a checkpoint after each step."""


@pytest.fixture(scope="module")
def whole(reviews, tiny_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Artifact]:
    """A function that returns the artifact of an adapter, trained once without an interruption."""
    folder = tmp_path_factory.mktemp("whole")
    return functools.cache(lambda name: artifact_of(name, tiny_start, reviews, folder / name, train=WATCHED))


@pytest.mark.parametrize("name", ADAPTERS)
def test_its_name_is_a_method_and_the_artifact_holds_few_weights(name: str, whole, tiny_start: Path):
    base_before = describe_base(tiny_start)
    made = whole(name)
    assert made.manifest.recipe["options"]["method"] == "adapter"
    assert made.manifest.recipe["options"]["method_options"]["adapter"] == name
    assert describe_base(tiny_start) == base_before
    told = made.measurements()
    assert 0 < told["weights_trained"] < told["weights"]
    record = json.loads(made.file("adapter.json").read_text())
    assert record["weights"] == {"trained": told["weights_trained"], "all": told["weights"]}
    assert record["base"]["files"] == base_before["files"]
    assert not any(made.has(file) for file in ("model.safetensors", "tokenizer.json", "config.json"))
    runtime = open_runtime(made)
    golden = made.manifest.golden[0]
    answered = runtime.predict({"text": [golden["inputs"]["text"]]}).outputs["scores"][0]
    np.testing.assert_allclose(answered, golden["scores"], atol=1e-6)


class Stopped(Exception):
    """The run is interrupted here."""


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_interrupted_run_continues_to_the_same_bytes(
    name: str, whole, reviews, tiny_start: Path, tmp_path: Path
) -> None:
    stop_at = whole(name).measurements()["steps"] - 3  # AdaLoRA has settled its ranks by then, and has begun to earlier

    def stop(event: Any) -> None:
        if event.step == stop_at and "loss" in event.values:
            raise Stopped

    with pytest.raises(Stopped):
        artifact_of(name, tiny_start, reviews, tmp_path / "killed", train=WATCHED, on_event=stop)
    said: list[str] = []
    killed = artifact_of(
        name, tiny_start, reviews, tmp_path / "killed", train=WATCHED, on_event=lambda event: said.append(event.message)
    )
    assert any("continuing at step" in message for message in said)
    assert weights_of(killed) == weights_of(whole(name))


KILLED = """
import os, sys
from pathlib import Path
from oreline.data.dataset import Dataset
from oreline.evaluate.estimates import point_values
from oreline.recipe import TrainOptions
from oreline.train.finetune import finetune
start, data, out = map(Path, sys.argv[1:])
print(os.getpid(), flush=True)
options = TrainOptions(epochs=3, threads=1, checkpoint_every_s=0.001, patience=50)
finetune(start, Dataset.open(data), task="text_classification", method="adalora", options=options, out=out,
         score=point_values, on_event=lambda event: print(event.step, flush=True))
"""


def test_a_killed_run_continues_to_the_same_bytes(warm: list[str], reviews, tiny_start: Path, tmp_path: Path) -> None:
    """AdaLoRA remembers the most besides weights and moments: scores, the budget, which ranks are on."""
    command = [*warm, "-c", KILLED, str(tiny_start), str(reviews.path)]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    kill_after([*command, str(tmp_path / "killed")], lambda line: int(line) >= 12)
    assert (tmp_path / ".killed.work").exists()
    subprocess.run([*command, str(tmp_path / "killed")], check=True, capture_output=True)
    assert weights_of(Artifact.open(tmp_path / "killed")) == weights_of(Artifact.open(tmp_path / "whole"))
