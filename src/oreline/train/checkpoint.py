"""Checkpoints: everything a killed run needs to continue to the bit-same weights.

A checkpoint is one safetensors file, written beside the last one and renamed over it, so that a kill at any moment
leaves the old file or the new one. It holds the weights and their average, the optimizer's moments, the random
generator's state, and in its metadata the step number and what the early stopping remembers. The data position follows
from the step number.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from oreline.models.load import disk_errors
from oreline.store import translating
from oreline.train.workspace import CHECKPOINT, Workspace

_AVERAGE = "average/"


def save(
    work: Workspace,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    progress: Mapping[str, Any],
    *,
    average: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a checkpoint; `progress` is JSON, with the step number under `step`."""
    tensors = {f"model/{name}": tensor for name, tensor in _weights(model).items()}
    tensors |= {f"{_AVERAGE}{name}": tensor for name, tensor in (average or {}).items()}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer/{key}/{name}"] = torch.as_tensor(value)
    tensors["random/cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random/cuda"] = torch.cuda.get_rng_state()
    write_tensors(work.folder / CHECKPOINT, tensors, {"progress": json.dumps(progress)})


def load(work: Workspace, model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any] | None:
    """Restore model, optimizer and random generator; returns `progress`, or None when there is no checkpoint."""
    file = work.folder / CHECKPOINT
    if not file.is_file():
        return None
    try:
        with safe_open(file, "pt") as stream:
            progress: dict[str, Any] = json.loads((stream.metadata() or {})["progress"])
        tensors = load_file(file)
    except (SafetensorError, KeyError, ValueError):
        return None  # damaged by something else than a kill: begin again rather than fail
    parameters = dict(model.named_parameters())
    model.load_state_dict(_part(tensors, "model/"), strict=False)
    for name, tensor in _part(tensors, "optimizer/").items():
        key, _, parameter = name.partition("/")
        optimizer.state[parameters[parameter]][key] = tensor.to(parameters[parameter].device)
    torch.set_rng_state(tensors["random/cpu"])
    if "random/cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random/cuda"])
    return progress


def load_average(work: Workspace) -> dict[str, Tensor]:
    """Return the averaged weights of the checkpoint, on the CPU; empty where nothing had been averaged."""
    with safe_open(work.folder / CHECKPOINT, "pt") as stream:
        names = [name for name in stream.keys() if name.startswith(_AVERAGE)]  # noqa: SIM118
        return {name.removeprefix(_AVERAGE): stream.get_tensor(name) for name in names}


def save_weights(work: Workspace, name: str, model: nn.Module) -> None:
    """Write the weights alone (the best so far)."""
    write_tensors(work.folder / f"{name}.safetensors", _weights(model), {})


def load_weights(work: Workspace, name: str, model: nn.Module) -> None:
    """Read weights that `save_weights` wrote."""
    model.load_state_dict(load_file(work.folder / f"{name}.safetensors"), strict=False)


def write_tensors(file: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file so that a reader finds the old one or the new one, never a part."""
    temporary = file.with_name(f"{file.name}.new")
    with translating(file):
        with disk_errors(file):
            save_file({name: t.detach().contiguous().cpu() for name, t in tensors.items()}, temporary, dict(metadata))
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(file)


def _weights(model: nn.Module) -> dict[str, Tensor]:
    """Return parameters and buffers once each: tied ones share memory, which safetensors refuses to write twice."""
    seen: set[int] = set()
    weights = {}
    for name, tensor in model.state_dict().items():
        if tensor.data_ptr() not in seen or tensor.numel() == 0:
            seen.add(tensor.data_ptr())
            weights[name] = tensor
    return weights


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
