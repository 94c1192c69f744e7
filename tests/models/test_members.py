"""Several models as one: what is stored, held and computed once, and what a damaged folder says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from oreline import registry
from oreline.errors import ArtifactError, UsageError
from oreline.models.batch import make_batch
from oreline.models.load import save_model
from oreline.models.members import Averaged, Members, opened, pack, shared_prefixes, unpack
from oreline.types import Task


@pytest.fixture
def task() -> Task:
    """Three classes."""
    made: Task = registry.create("task", "text_classification", labels=["a", "b", "c"])
    return made


def member(start: Path, folder: Path, *, pooling: str = "first", frozen: int, seed: int) -> Path:
    """Write a model whose layers above the lowest `frozen` ones differ with the seed, and whose head does."""
    head = registry.create("head", "sequence_classification", num_labels=3, pooling=pooling)
    torch.manual_seed(seed)
    model = head.module(start)
    for name, weight in model.named_parameters():
        below = [f"layer.{layer}." for layer in range(frozen)]
        if "embeddings" not in name and not any(part in name for part in below):
            weight.data += 0.05 * torch.randn_like(weight)
    folder.mkdir(parents=True)
    save_model(model, folder, labels=("a", "b", "c"))
    return folder


def batch() -> Any:
    """Two rows of different length."""
    return make_batch([np.array([2, 7, 9, 12, 3], np.int32), np.array([2, 8, 3], np.int32)], pad_id=0)


@pytest.mark.parametrize(("pooling", "frozen", "shared"), [("mean", 1, 1), ("mean", 0, 0), ("first", 2, 1)])
def test_shared_layers_are_one_tensor_and_run_once(
    pooling: str, frozen: int, shared: int, task: Task, tiny_start: Path, tmp_path: Path
) -> None:
    """The last layer of a model that reads the first token is never run alone, though it is shared."""
    folders = [
        member(tiny_start, tmp_path / str(n), pooling=pooling, frozen=frozen, seed=n if n < 2 else 5) for n in range(3)
    ]
    pack(task, folders, tmp_path / "all")
    stored = load_file(tmp_path / "all" / "members.safetensors")
    assert not any("embeddings" in name for name in stored)
    assert any("layer.1." in name for name in stored) == (frozen < 2)
    head, model = opened(task, tmp_path / "all")
    model.eval()
    prefixes = shared_prefixes(model)
    assert [prefix.num_layers for prefix in prefixes] == [shared] * 3 * bool(shared)
    names = {f"models.{n}.": dict(one.named_parameters()) for n, one in enumerate(model.models)}
    first, second = names["models.0."], names["models.1."]
    assert all((first[name] is second[name]) == (f"2/{name}" not in stored) for name in first)
    logits_BK, embedding_BD = head.outputs(model, batch())
    plain = registry.create("head", "sequence_classification", num_labels=3)
    alone = [plain.outputs(plain.module(folder).eval(), batch()) for folder in folders]
    mean_BK = np.mean([torch.from_numpy(one).softmax(dim=1).numpy() for one, _ in alone], axis=0)
    np.testing.assert_allclose(np.exp(logits_BK), mean_BK, atol=1e-6)
    np.testing.assert_allclose(embedding_BD, np.mean([vector for _, vector in alone], axis=0), atol=1e-6)


def test_members_run_the_shared_layers_once(task: Task, tiny_start: Path, tmp_path: Path) -> None:
    pack(task, [member(tiny_start, tmp_path / str(n), frozen=1, seed=n) for n in range(3)], tmp_path / "all")
    head, model = opened(task, tmp_path / "all")
    head.outputs(model, batch())  # the first time, what they share is looked for
    calls: list[int] = []
    for one in model.models:
        for number, layer in enumerate(one.bert.encoder.layer):
            layer.attention.register_forward_hook(lambda *_, number=number: calls.append(number))
    head.outputs(model, batch())
    assert calls.count(0) == 1
    assert isinstance(head, Averaged)
    assert isinstance(model, Members)


def test_members_of_other_shapes_and_damaged_files(task: Task, tiny_start: Path, tmp_path: Path) -> None:
    one = member(tiny_start, tmp_path / "1", frozen=0, seed=0)
    with pytest.raises(UsageError, match="differ in the shape of"):
        pack(task, [one, member(tiny_start, tmp_path / "2", pooling="mean", frozen=0, seed=0)], tmp_path / "all")
    pack(task, [one, member(tiny_start, tmp_path / "3", frozen=0, seed=1)], tmp_path / "both")
    with pytest.raises(UsageError, match="an ensemble of 2 models, and this method trains 1"):
        unpack(task, tmp_path / "both", [tmp_path / "x"])
    file = tmp_path / "both" / "members.safetensors"
    save_file({"2/classifier.bias": torch.zeros(4)}, file, {"members": "2"})
    with pytest.raises(ArtifactError, match=r"'classifier\.bias' of member 2 is of another model"):
        opened(task, tmp_path / "both")
    file.write_bytes(b"no tensors")
    with pytest.raises(ArtifactError, match="cannot be read"):
        opened(task, tmp_path / "both")
