"""Checkpoints: what goes in comes out, a damaged one is no checkpoint, another job's is removed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from oreline.errors import ResourceError
from oreline.models.load import save_head
from oreline.train import checkpoint
from oreline.train.checkpoint import write_tensors
from oreline.train.optimizers.adamw import Optimizer
from oreline.train.workspace import Workspace


def trained(steps: int, model=None, optimizer=None):
    if model is None:
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Embedding(5000, 4), torch.nn.Linear(4, 2))
        optimizer = Optimizer().build(model, learning_rate=0.01, weight_decay=0.1)
    for _ in range(steps):
        ids = torch.randint(0, 5000, (6,))
        model(ids).pow(2).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return model, optimizer


def test_a_run_continues_to_the_same_weights(tmp_path: Path):
    work = Workspace(tmp_path)
    model, optimizer = trained(3)
    checkpoint.save(work, model, optimizer, {"step": 3})
    whole, _ = trained(4, model, optimizer)
    fresh, its_optimizer = trained(0)
    torch.manual_seed(99)
    assert checkpoint.load(work, fresh, its_optimizer) == {"step": 3}
    continued, _ = trained(4, fresh, its_optimizer)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, continued.state_dict()[name]), name


@pytest.mark.parametrize("keep", [0, 7, 200])
def test_a_damaged_file_is_no_checkpoint(tmp_path: Path, keep: int):
    work = Workspace(tmp_path)
    model, optimizer = trained(1)
    checkpoint.save(work, model, optimizer, {"step": 1})
    file = next(tmp_path.glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:keep])
    assert checkpoint.load(work, model, optimizer) is None


def test_a_failing_disk_is_said_plainly(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        write_tensors(tmp_path / "no" / "such" / "place.safetensors", {"a": torch.ones(2)}, {})


def test_a_full_disk_keeps_the_last_checkpoint(small_disk: Path):
    write_tensors(small_disk / "a.safetensors", {"a": torch.ones(100)}, {})
    with pytest.raises(ResourceError, match="the disk is full"):
        write_tensors(small_disk / "a.safetensors", {"a": torch.ones(1_000_000)}, {})
    assert torch.equal(load_file(small_disk / "a.safetensors")["a"], torch.ones(100))
    with pytest.raises(OSError, match="No space left"):
        save_head(small_disk, {"weight": torch.ones(1_000_000)})
