"""Several models of one shape behind one head: their probabilities are averaged, and what they share is there once.

An artifact of this kind holds its first model in the folder `member`, whole or as an adapter, and in
`members.safetensors` the weights in which the others differ from it. Weights that are the same in all of them (frozen
layers, the base of adapters) are stored and held in memory once, and where these are the lowest layers, computed once.

Shape suffixes: M members, B rows of one batch, K classes, D width.
"""

from __future__ import annotations

import threading
from collections.abc import Container, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from oreline import atomic, registry
from oreline.errors import ArtifactError, UsageError
from oreline.models.adapted import save_adapter
from oreline.models.adapting import adapter_of
from oreline.models.base import FIRST, OTHERS, is_adapted, is_ensemble, read_record
from oreline.models.batch import Batch
from oreline.models.load import disk_errors, save_model
from oreline.models.prefix import Prefix, num_untrained, prefix_of, seen_layers
from oreline.store import MANIFEST
from oreline.types import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray


def opened(task: Task, folder: Path) -> tuple[Any, Any]:
    """Return the head of a task and the module under it that a folder holds: one model, or an ensemble of several."""
    head = registry.create("head", task.head, num_labels=len(task.labels))
    if not is_ensemble(folder):
        return head, head.module(folder)
    return Averaged(head), Members(members_of(head, folder))


class Members(nn.Module):
    """Models of one shape; weights that are the same in all of them are one tensor."""

    def __init__(self, models: Sequence[Any]) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)

    @property
    def config(self) -> Any:
        """Return the configuration, which all members have."""
        return self.models[0].config


class Averaged:
    """A head that asks each member and returns the logarithm of the mean probability, which softmax turns back into it.

    The embedding is the mean of the members'.
    """

    def __init__(self, head: Any) -> None:
        self.head = head
        self._prefixes: list[Prefix] | None = None
        self._lock = threading.Lock()  # for the time of a pass, the lists of layers are shorter ones

    def outputs(self, model: Members, batch: Batch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return log mean probabilities, (B, K), and one vector for each row, (B, D)."""
        with self._lock:
            if self._prefixes is None:
                self._prefixes = shared_prefixes(model)
        if not self._prefixes:
            found = [self.head.outputs(member, batch) for member in model.models]
        else:
            with self._lock, torch.inference_mode():
                found = self._above(model, batch, self._prefixes)
        logits_MBK = np.stack([logits_BK for logits_BK, _ in found])
        return mean_logits(logits_MBK), np.mean([embedding_BD for _, embedding_BD in found], axis=0, dtype=np.float32)

    def _above(self, model: Members, batch: Batch, prefixes: Sequence[Prefix]) -> list[Any]:
        """Return each member's outputs from the states of the layers that all of them share."""
        started = replace(batch, states_BTD=prefixes[0].states(batch))
        found = []
        for member, prefix in zip(model.models, prefixes):
            with prefix.left_out():
                found.append(self.head.outputs(member, started))
        return found


def mean_logits(logits_MBK: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return `log 1/M sum softmax(logits)`, (B, K).

    >>> logits = np.log([[[0.9, 0.1]], [[0.5, 0.5]]])
    >>> np.exp(mean_logits(logits).astype(float)).round(4).tolist()
    [[0.7, 0.3]]
    """
    logits_MBK = np.asarray(logits_MBK, np.float64)
    log_p_MBK = logits_MBK - np.logaddexp.reduce(logits_MBK, axis=2, keepdims=True)
    mean_BK: NDArray[np.float32] = (np.logaddexp.reduce(log_p_MBK, axis=0) - np.log(len(logits_MBK))).astype(np.float32)
    return mean_BK


def shared_prefixes(model: Members) -> list[Prefix]:
    """Return each member's lowest layers, as many as are the same tensors in all of them; none where no layer is."""
    adapter = adapter_of(model.models[0])
    if adapter is not None and adapter.is_virtual:
        return []  # virtual tokens and keys are no layers: states without them are others
    own = [_differing(member, model.models[0]) for member in model.models]
    num_layers = min(_num_shared(member, set().union(*own)) for member in model.models)
    prefixes = [prefix_of(member, num_layers) for member in model.models] if num_layers else []
    found = [prefix for prefix in prefixes if prefix is not None]
    return found if len(found) == len(prefixes) else []


def members_of(head: Any, folder: Path) -> list[Any]:
    """Open all models of an ensemble. Raises `ArtifactError` for weights that do not belong to it."""
    first = head.module(folder / FIRST)
    models, changed = [first], _changed(folder / OTHERS)
    for number in sorted(changed):
        member = head.module(folder / FIRST)
        wanted = member.state_dict()
        for name, tensor in changed[number].items():
            if name not in wanted or wanted[name].shape != tensor.shape:
                raise ArtifactError(
                    f"the weight {name!r} of member {number} is of another model",
                    where=str(folder / OTHERS),
                    remedy="restore the folder from a copy, or train it again",
                )
        member.load_state_dict(changed[number], strict=False)
        _tie(first, member, changed[number])
        models.append(member)
    return models


def pack(task: Task, members: Sequence[Path], folder: Path) -> None:
    """Write the models of some folders as one ensemble into a folder that is being written.

    Raises `UsageError` where their weights differ in name or shape.
    """
    head = registry.create("head", task.head, num_labels=len(task.labels))
    first, differing = head.module(members[0]).state_dict(), dict[str, Tensor]()
    for number, member in enumerate(members[1:], start=2):
        weights = head.module(member).state_dict()
        for name in sorted({*first, *weights}):
            shapes = [tuple(one[name].shape) if name in one else None for one in (first, weights)]
            if shapes[0] != shapes[1]:
                raise UsageError(
                    f"the models differ in the shape of {name!r}: {shapes[0]} and {shapes[1]}",
                    remedy="--set method_options.output=distilled",
                )
            if not torch.equal(first[name], weights[name]):
                differing[f"{number}/{name}"] = weights[name].detach().cpu().clone()
    atomic.copy_files(members[0], folder / FIRST)
    (folder / FIRST / MANIFEST).unlink(missing_ok=True)  # a member is no artifact of its own
    with disk_errors(folder):
        save_file(differing, folder / OTHERS, {"members": str(len(members))})


def unpack(task: Task, ensemble: Path, folders: Sequence[Path]) -> None:
    """Write each model of an ensemble into a folder of its own, to be trained on from there.

    Raises `UsageError` where there are more or fewer of them than folders.
    """
    head = registry.create("head", task.head, num_labels=len(task.labels))
    models = members_of(head, ensemble)
    if len(models) != len(folders):
        raise UsageError(
            f"the start model is an ensemble of {len(models)} models, and this method trains {len(folders)}",
            where=str(ensemble),
            remedy="ask for as many folds times repeats as it was made with",
        )
    for model, folder in zip(models, folders):
        atomic.copy_files(ensemble / FIRST, folder)
        if is_adapted(ensemble / FIRST):
            record = read_record(ensemble / FIRST)
            save_adapter(model, folder, adapter=record["adapter"], options=record["options"], base=record["base"])
        else:
            save_model(model, folder, labels=task.labels)


def _changed(file: Path) -> dict[int, dict[str, Tensor]]:
    """Return the weights of each member but the first that differ from the first's."""
    try:
        with safe_open(file, "pt") as stream:
            num_members = int((stream.metadata() or {})["members"])
            found: dict[int, dict[str, Tensor]] = {number: {} for number in range(2, num_members + 1)}
            for key in stream.keys():  # noqa: SIM118  no mapping
                number, _, name = key.partition("/")
                found[int(number)][name] = stream.get_tensor(key)
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ArtifactError(
            "the weights of the ensemble's members cannot be read",
            where=str(file),
            remedy="restore the folder from a copy, or train it again",
        ) from error
    return found


def _tie(first: nn.Module, member: nn.Module, changed: Container[str]) -> None:
    """Let a member hold the first one's tensors where they are the same."""
    for name, module in member.named_modules():
        twin = first.get_submodule(name)
        for held, source in ((module._parameters, twin._parameters), (module._buffers, twin._buffers)):
            for leaf in held:
                if (f"{name}.{leaf}" if name else leaf) not in changed:
                    held[leaf] = source[leaf]


def _differing(member: nn.Module, first: nn.Module) -> set[str]:
    """Return the names of the weights that are other tensors than the first member's."""
    firsts = dict(first.named_parameters())
    return {name for name, weight in member.named_parameters() if weight.data_ptr() != firsts[name].data_ptr()}


def _num_shared(member: nn.Module, own: Container[str]) -> int:
    """Return how many of a member's lowest layers nothing of its own goes into: as if that alone were trained."""
    trained = {name: weight.requires_grad for name, weight in member.named_parameters()}
    for name, weight in member.named_parameters():
        weight.requires_grad = name in own
    found = num_untrained(seen_layers(member))
    for name, weight in member.named_parameters():
        weight.requires_grad = trained[name]
    return found
