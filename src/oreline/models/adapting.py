"""What adapters share: the encoder they are put into, the layers they are put on, merging and taking out again."""

from __future__ import annotations

import fnmatch
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from torch import nn
from transformers.pytorch_utils import Conv1D

from oreline import registry
from oreline.errors import UsageError
from oreline.models.network import MODEL_TYPE
from oreline.models.pooling import PooledClassifier, PooledEncoder
from oreline.plugs import Adapter

QUERY_VALUE = "query_value"
"""The target that means the queries and values of each attention."""
QUERIES = ("query", "q_lin", "q_proj", "q", "c_attn", "Wqkv", "query_key_value")
KEYS = ("key", "k_lin", "k_proj", "k", "c_attn", "Wqkv", "query_key_value")
VALUES = ("value", "v_lin", "v_proj", "v", "c_attn", "Wqkv", "query_key_value")
ATTENTION_OUTPUTS = ("attention.output.dense", "attention.out_lin", "attention.out_proj", "attn.Wo")
FEED_FORWARD_OUTPUTS = ("output.dense", "ffn.lin2", "fc2", "mlp.Wo", "DenseReluDense.wo", "mlp.down_proj")
"""How architectures call the parts of a layer: BERT's relatives, DistilBERT, BART, ModernBERT, T5, Llama; GPT-2 has
queries, keys and values in one."""
WRITING = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration", "MTModel")
"""Ends of the names of classes whose uppermost layer writes over the vocabulary."""


class Plain:
    """An adapter that only changes the forward pass; a plug overrides what it is about."""

    learning_rate = 1e-3
    merges = False
    is_virtual = False
    """Whether it adds tokens or keys: what frozen layers return without them cannot stand for them."""

    def watch(self, model: Any, optimizer: Any, num_steps: int) -> None:
        """Follow nothing."""

    def penalty(self, model: Any) -> Any:
        """Add nothing."""
        return None


def put_on(model: Any, adapter: Adapter) -> None:
    """Freeze a model but for its head, put an adapter into its encoder, and remember which.

    Raises `UsageError` for an encoder that is no transformer, or lacks what the adapter is put on.
    """
    if (config := encoder_of(model).config).model_type == MODEL_TYPE:
        raise UsageError(
            f"an adapter belongs into a transformer, and the start model is the network {config.network!r}",
            remedy="--method full: a network of this size trains all of its weights in less time",
        )
    model.requires_grad_(False)
    adapter.apply(model)
    for name, parameter in model.named_parameters():
        if name in _head_weights(model):
            parameter.requires_grad = True
    model.adapter = adapter


def adapter_of(model: Any) -> Adapter | None:
    """Return the adapter that a model has on, or None."""
    found: Adapter | None = getattr(model, "adapter", None)
    return found


def encoder_of(model: Any) -> Any:
    """Return the encoder of a classifier, its head left out."""
    return model.encoder if isinstance(model, PooledClassifier | PooledEncoder) else model.base_model


def num_trained(model: nn.Module) -> tuple[int, int]:
    """Return how many weights train, and how many there are."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return sum(size for size, trains in sizes if trains), sum(size for size, _ in sizes)


def linear_layers(encoder: nn.Module) -> dict[str, str]:
    """Return the linear layers inside an encoder's layers: the module's name and its name within its layer."""
    linear = [name for name, module in encoder.named_modules() if isinstance(module, nn.Linear | Conv1D)]
    return {name: inner for name in linear if (inner := _inside_layer(name))}


def targeted(encoder: nn.Module, targets: Sequence[str] | str, layers: Sequence[int] | None = None) -> list[str]:
    """Return the names of the linear layers that some names or shell patterns mean; `all` means each of them.

    With `layers`, those alone that lie in them (`within`).

    `query_value` means the queries and values of each attention.

    A target is a layer's own name (`query`), its name within its layer (`output.dense`), or a pattern of either or of
    the whole name (`*.layer.[45].*`).

    Raises `UsageError` for a target that names no linear layer.
    """
    return within(encoder, _named(encoder, targets), layers)


def within(encoder: nn.Module, names: Sequence[str], layers: Sequence[int] | None) -> list[str]:
    """Return the names that lie in some of the encoder's layers, numbered from 0, or from the top from -1.

    Raises `UsageError` for a layer that is not there, and where none of the names lies in one.
    """
    if layers is None:
        return list(names)
    numbers = {name: _layer_number(name) for name in linear_layers(encoder)}
    num_layers = max(numbers.values()) + 1
    wrong = [layer for layer in layers if not isinstance(layer, int) or not -num_layers <= layer < num_layers]
    chosen = {layer % num_layers for layer in layers if layer not in wrong}
    found = [name for name in names if numbers[name] in chosen]
    if wrong or not found:
        raise UsageError(
            f"layers is {list(layers)}, and the start model has {num_layers} layers",
            allowed=f"numbers from 0 to {num_layers - 1}, or from -1 down to {-num_layers}",
            remedy="--set method_options.layers=[-2,-1] adapts the two upper ones",
        )
    return found


def _named(encoder: nn.Module, targets: Sequence[str] | str) -> list[str]:
    layers = linear_layers(encoder)
    wanted = [targets] if isinstance(targets, str) else list(targets)
    if wanted == [QUERY_VALUE]:
        queries, values = known_parts(encoder, QUERIES, VALUES)
        return [name for name in layers if name in {*queries, *values}]
    if wanted == ["all"]:
        wanted = ["*"]
    chosen: set[str] = set()
    for target in wanted:
        matching = [name for name, inner in layers.items() if inner == target]
        matching = matching or [
            name for name, inner in layers.items()
            if any(fnmatch.fnmatch(known, pattern) for known in (name, inner) for pattern in (target, f"*.{target}"))
        ]  # fmt: skip
        if not matching:
            raise UsageError(
                f"no linear layer of the start model is named {target!r}",
                allowed="all, query_value, " + ", ".join(dict.fromkeys(layers.values())),
                remedy="leave targets out, or name layers that are there",
            )
        chosen |= set(matching)
    return [name for name in layers if name in chosen]


def known_parts(encoder: nn.Module, *parts: Sequence[str]) -> list[list[str]]:
    """Return the names of the layers of each part (such as `KEYS`). Raises `UsageError` where there are none."""
    layers = linear_layers(encoder)
    found = [
        [name for name, inner in layers.items() if inner in part or inner.split(".")[-1] in part] for part in parts
    ]
    for part, names in zip(parts, found):
        if not names:
            raise UsageError(
                f"{type(encoder).__name__} has none of the layers {', '.join(part)}",
                allowed=", ".join(dict.fromkeys(layers.values())),
                remedy="choose another adapter, such as lora with targets",
            )
    return found


def refuse_wide(encoder: nn.Module, names: Sequence[str], option: str, value: int) -> None:
    """Raise `UsageError` for a rank below 1 or above the width of a layer it is for."""
    for name in names:
        layer: Any = encoder.get_submodule(name)
        narrowest = min(layer.weight.shape)
        if not 1 <= value <= narrowest:
            raise UsageError(
                f"{option} is {value}, and the layer {name} is {narrowest} wide", allowed=f"1 to {narrowest}"
            )


def wrapped(encoder: nn.Module) -> Iterator[tuple[nn.Module, str, Any]]:
    """Yield each adapted layer with its parent and its name there."""
    for parent in list(encoder.modules()):
        for name, child in list(parent.named_children()):
            if hasattr(child, "base_layer") and name != "base_layer":
                yield parent, name, child


def refuse_unmergeable(name: str) -> None:
    """Raise `UsageError` for the name of an adapter that is no change of weights."""
    if not registry.get("adapter", name).merges:
        merging = [other for other in registry.names("adapter") if registry.get("adapter", other).merges]
        raise UsageError(
            f"the adapter {name!r} cannot be merged: it is no change of weights",
            allowed=", ".join(merging),
            remedy="use the adapter with its base, as it is",
        )


def merge(model: Any) -> None:
    """Add the adapter to the weights, in place; what the model computes stays the same.

    Raises `UsageError` for an adapter that is no change of weights.
    """
    adapter = adapter_of(model)
    if adapter is None:
        raise UsageError("the model has no adapter on")
    refuse_unmergeable(type(adapter).__module__.rpartition(".")[2])
    for _, _, layer in wrapped(encoder_of(model)):
        layer.merge()


def unmerge(model: Any) -> None:
    """Take a merged adapter out of the weights again, to the last digits of a float."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # IA3 divides by what it multiplied with, and peft warns of factors near zero
        for _, _, layer in wrapped(encoder_of(model)):
            layer.unmerge()


def fold(model: Any) -> None:
    """Merge the adapter and put plain layers in its place; all weights train again. Raises `UsageError` as `merge`."""
    merge(model)
    encoder = encoder_of(model)
    for parent, name, layer in wrapped(encoder):
        setattr(parent, name, layer.get_base_layer())
    for name in ("peft_config", "adapter_memory"):  # what peft and an adapter that follows the steps leave behind
        if hasattr(encoder, name):
            delattr(encoder, name)
    model.adapter = None
    model.requires_grad_(True)


def _head_weights(model: Any) -> set[str]:
    """Return the names of what lies above the encoder, and of what the encoder's folder did not have (a pooler).

    What writes over the vocabulary is no head of the task: it came with the start model, and stays.
    """
    if type(model).__name__.endswith(WRITING):
        return set()
    if isinstance(model, PooledClassifier | PooledEncoder):
        return {name for name, _ in model.named_parameters() if name.startswith("classifier.")}
    inside = f"{model.base_model_prefix}."
    return {name for name, _ in model.named_parameters() if not name.startswith(inside) or name in model.new_weights}


def _layer_number(name: str) -> int:
    """Return the number of the layer that a module lies in: the first one, since layers may number their own parts.

    >>> _layer_number("encoder.layer.4.attention.self.query"), _layer_number("encoder.block.5.layer.0.SelfAttention.q")
    (4, 5)
    """
    return next(int(part) for part in name.split(".") if part.isdigit())


def _inside_layer(name: str) -> str:
    """Return what comes after a layer's number; empty for what lies in no layer.

    >>> _inside_layer("encoder.layer.0.attention.self.query"), _inside_layer("pooler.dense")
    ('attention.self.query', '')
    """
    parts = name.split(".")
    numbers = [place for place, part in enumerate(parts) if part.isdigit()]
    return ".".join(parts[numbers[-1] + 1 :]) if numbers else ""
