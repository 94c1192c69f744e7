"""What the optimizers share: which parameters decay, and which layers learn more slowly than the head."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from oreline.errors import UsageError


def parameter_groups(
    model: nn.Module, *, learning_rate: float, weight_decay: float, layer_decay: float | None = None
) -> list[dict[str, Any]]:
    """Return the trainable parameters in groups that share a rate and a decay; biases and norms have no decay.

    With a layer decay x, a parameter `depths` puts n below the head has the `scale` xⁿ, by which the loop multiplies
    the rate of each step (Howard and Ruder, https://arxiv.org/abs/1801.06146, with x = 1/2.6).

    Raises `UsageError` for a layer decay of a model without layers.
    """
    below = depths(model) if layer_decay is not None else {}
    if layer_decay is not None and not below:
        raise UsageError(
            f"layer_decay is {layer_decay}, and {type(model).__name__} has no list of layers",
            remedy="leave layer_decay out",
        )
    grouped: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            scale = 1.0 if layer_decay is None else layer_decay ** below[name]
            grouped.setdefault((scale, parameter.ndim >= 2), []).append(parameter)
    return [
        {
            "params": grouped[scale, decays],
            "lr": learning_rate * scale,
            "scale": scale,
            "weight_decay": weight_decay if decays else 0.0,
        }
        for scale, decays in sorted(grouped, reverse=True)
    ]


def depths(model: nn.Module) -> dict[str, int]:
    """Return how far below the head each parameter lies: 0 the head, 1 to L the layers from the top, L + 1 embeddings.

    Modules are registered in the order in which they are called: what comes before the layers feeds them, what comes
    after (a pooler, a last norm, the head) reads them. An embedding table is an input wherever it stands. Empty for a
    model without a list of layers.
    """
    lists, num_layers = _layer_lists(model)
    tables = _tables(model)
    found: dict[str, int] = {}
    reached = False
    for name, parameter in model.named_parameters():
        layer = _layer_of(name, lists)
        reached = reached or layer is not None
        if layer is not None:
            found[name] = num_layers - layer
        else:
            found[name] = num_layers + 1 if id(parameter) in tables or not reached else 0
    return found if lists else {}


def hidden_matrices(model: nn.Module) -> list[nn.Parameter]:
    """Return the matrices inside the layers; of a model without a list of layers, all but the embedding tables."""
    lists, _ = _layer_lists(model)
    tables = _tables(model)
    return [
        parameter
        for name, parameter in model.named_parameters()
        if parameter.ndim == 2 and id(parameter) not in tables and (not lists or _layer_of(name, lists) is not None)
    ]


def decouple(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Let the weights decay by rate · decay before each step, where torch would add the decay to the gradient.

    Added to the gradient, it goes through the moments, and a weight with large gradients decays less (Loshchilov and
    Hutter, https://arxiv.org/abs/1711.05101). Without moments the two are the same.
    """
    for group in optimizer.param_groups:
        group["decoupled_decay"], group["weight_decay"] = group["weight_decay"], 0.0
    optimizer.register_step_pre_hook(_decay)
    return optimizer


def refuse_outside(name: str, low: float, high: float, **options: float) -> None:
    """Raise `UsageError` for an option of the optimizer `name` that is no number in [low, high)."""
    for option, value in options.items():
        if not isinstance(value, (int, float)) or not low <= value < high:
            raise UsageError(f"{name}: {option} is {value!r}", allowed=f"{low:g} <= {option} < {high:g}")


@torch.no_grad()
def _decay(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    for group in optimizer.param_groups:
        moved = [parameter for parameter in group["params"] if parameter.grad is not None]
        if moved and group["decoupled_decay"]:
            torch._foreach_mul_(moved, 1 - group["lr"] * group["decoupled_decay"])


def _layer_lists(model: nn.Module) -> tuple[list[str], int]:
    """Return the names of the lists of layers, outermost first, and their length.

    They are as long as the configuration says, or the longest there are (ALBERT's layers share one group). Some models
    keep the parts of their layers in several lists of that length (XLM). A model that is a list itself is one of
    several tasks' models, whatever their number.
    """
    modules = [(name, module) for name, module in model.named_modules() if name]
    lengths = {name: len(module) for name, module in modules if isinstance(module, nn.ModuleList) and len(module)}
    told = getattr(getattr(model, "config", None), "num_hidden_layers", 0)
    num_layers = int(told) if told in lengths.values() else max(lengths.values(), default=0)
    return [name for name, length in lengths.items() if length == num_layers], num_layers


def _layer_of(name: str, lists: list[str]) -> int | None:
    """Return the layer that a parameter lies in, counted from 0 at the bottom."""
    for prefix in lists:
        if name.startswith(f"{prefix}."):
            return int(name.removeprefix(f"{prefix}.").split(".")[0])
    return None


def _tables(model: nn.Module) -> set[int]:
    return {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
