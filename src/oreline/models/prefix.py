"""The lowest layers of a transformer as a model of their own, and the layers above them fed with what those return.

What does not train returns the same for a text in every epoch. `Prefix.states` runs a model up to a layer, and inside
`Prefix.left_out` the lowest layers return given states without computing anything. Nothing about the model is changed
for good: for the time of a pass some modules have another `forward`.

No architecture is named here, but for the lending of T5's table of positions. Layers are the outermost list of modules;
what is frozen, and whether states can stand for it, is found by running the model (`seen_layers`, `prefix_of`).

Shape suffixes: B rows of one batch, T tokens, D width.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from oreline.models.batch import KNOWN_STATES, Batch

_RTOL, _ATOL = 1e-4, 1e-5
"""How far states above given ones may lie from those of the whole model: the same arithmetic in other company."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer and what it returned in a trial."""

    module: nn.Module
    trains: bool
    """Whether something that trains lies in it or below it."""
    width: int
    """D, or 0 for a layer that does not return states (B, T, D) of all tokens."""
    extras: int | None
    """What it returns beside states; None for a layer that returns no tuple."""


class Prefix:
    """The lowest layers of a transformer, and what feeds them."""

    def __init__(self, model: Any, layers: Sequence[Layer], num_layers: int) -> None:
        """Take the `num_layers` lowest of a model's layers."""
        self._model, self.num_layers = model, num_layers
        self._below, self._above = layers[:num_layers], layers[num_layers:]
        self.width = self._below[-1].width

    @property
    def device(self) -> torch.device:
        """Where states are."""
        found: torch.device = next(self._model.parameters()).device
        return found

    @property
    def share(self) -> float:
        """Share of the model's layers that are these."""
        return self.num_layers / (len(self._below) + len(self._above))

    @property
    def num_weights(self) -> int:
        """Weights of matrix products."""
        return sum(weight.numel() for one in self._below for weight in one.module.parameters() if weight.ndim >= 2)

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield by name, in a fixed order, all that the states may follow from: what does not train outside of the
        layers above."""
        others = {id(tensor) for one in self._above for tensor in _tensors(one.module)}
        for name, tensor in self._model.state_dict(keep_vars=True).items():
            if id(tensor) not in others and not tensor.requires_grad:
                yield name, tensor

    @torch.no_grad()
    def states(self, batch: Batch, *, bf16: bool = False) -> Tensor:
        """Return the states after the lowest layers, (B, T, D) in fp32, without dropout.

        Args:
            batch: token ids; states that it has are not used.
            bf16: compute under autocast.
        """
        with torch.autocast(batch.ids_BT.device.type, torch.bfloat16, enabled=bf16):
            return _until(self._model, self._below[-1].module, replace(batch, states_BTD=None)).float()

    @contextlib.contextmanager
    def left_out(self) -> Iterator[None]:
        """Let the model start above the lowest layers: it is called with `Batch.inputs` of batches that have states."""
        given: list[Tensor] = []

        def take(_: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            given[:] = [kwargs[KNOWN_STATES]]
            return args, {name: value for name, value in kwargs.items() if name != KNOWN_STATES}

        *others, last = self._below
        with contextlib.ExitStack() as changes:
            changes.callback(self._model.register_forward_pre_hook(take, with_kwargs=True, prepend=True).remove)
            for one in others:
                changes.enter_context(_instead(one.module, _passing_on(one.extras, lambda hidden_BTD: hidden_BTD)))
            changes.enter_context(_instead(last.module, _passing_on(last.extras, lambda _: given[0])))
            if (embeddings := _embeddings(self._model, self._below[0].module)) is not None:
                changes.enter_context(_instead(embeddings, lambda *_, **__: _nothing(embeddings, given[0])))
            if self._above:
                changes.enter_context(_lent_positions(self._below[0].module, self._above[0].module))
            yield


def prefix_of(model: Any, num_layers: int) -> Prefix | None:
    """Return the `num_layers` lowest layers of a model; None where given states cannot stand for them.

    A last layer that returns no states of all tokens (`models.attention.first_token_only`) is never a part. Then the
    prefix may be shorter than asked for. That the model above given states returns what the whole model returns is
    tried on a few tokens.
    """
    layers = seen_layers(model)
    usable = next((place for place, one in enumerate(layers) if not one.width), len(layers))
    if not min(num_layers, usable):
        return None
    prefix = Prefix(model, layers, min(num_layers, usable))
    return prefix if _stands(model, prefix) else None


def num_untrained(layers: Sequence[Layer]) -> int:
    """Return how many of the lowest layers return states that nothing that trains has changed."""
    return next((place for place, one in enumerate(layers) if one.trains or not one.width), len(layers))


def seen_layers(model: Any) -> list[Layer]:
    """Return a model's layers from the lowest up, each with what it returned for a few tokens.

    Empty for a model whose layers are no list, or are not called one after another, once each.
    """
    reader, modules = _list_of_layers(model)
    calls: list[tuple[nn.Module, Any]] = []
    with contextlib.ExitStack() as hooks, torch.inference_mode(mode=False), torch.enable_grad(), _evaluating(model):
        for module in modules:
            hook = module.register_forward_hook(lambda called, _, output: calls.append((called, output)))
            hooks.callback(hook.remove)
        if modules:
            batch = _few_tokens(model)
            _until(model, reader, batch)
    if [called for called, _ in calls] != modules or any(getattr(m, "layerdrop", 0) for m in model.modules()):
        return []  # a layer that is left out at random is no function of the text
    return [_layer(module, output, batch.ids_BT.shape) for module, output in calls]


def _layer(module: nn.Module, output: Any, shape: torch.Size) -> Layer:
    states, extras = (output[0], len(output) - 1) if isinstance(output, tuple) else (output, None)
    whole = isinstance(states, Tensor) and states.ndim == len(shape) + 1 and states.shape[:2] == shape
    trains = isinstance(states, Tensor) and states.requires_grad
    return Layer(module, trains, int(states.shape[2]) if whole else 0, extras)


def _list_of_layers(model: Any) -> tuple[nn.Module, list[nn.Module]]:
    """Return the longest list of modules that lies in no other list, and the module that runs it.

    Of an encoder–decoder model it is the encoder's: a decoder's layers read what the encoder returns.
    """
    lists: dict[str, nn.ModuleList] = {}
    reader = model.get_encoder() if getattr(getattr(model, "config", None), "is_encoder_decoder", False) else model
    for name, module in reader.named_modules():
        if isinstance(module, nn.ModuleList) and not any(name.startswith(f"{outer}.") for outer in lists):
            lists[name] = module
    if not lists:
        return reader, []
    longest = max(lists, key=lambda name: len(lists[name]))
    return reader.get_submodule(longest.rpartition(".")[0]), list(lists[longest])


def _few_tokens(model: Any) -> Batch:
    """Return two rows, one of them padded."""
    device = next(model.parameters()).device
    ids_BT = (torch.arange(5, 19, device=device) % max(int(getattr(model.config, "vocab_size", 0)), 1)).view(2, 7)
    mask_BT = torch.ones_like(ids_BT)
    mask_BT[1, 5:] = 0
    return Batch(ids_BT, mask_BT, num_tokens=12)


@torch.no_grad()
def _stands(model: Any, prefix: Prefix) -> bool:
    """Whether what runs the layers returns the same above given states as with all layers."""
    reader, _ = _list_of_layers(model)
    with torch.inference_mode(mode=False):
        batch = _few_tokens(model)
        whole_BTD = _until(model, reader, batch)
        given = replace(batch, states_BTD=prefix.states(batch))
        with prefix.left_out():
            parts_BTD = _until(model, reader, given)
    return whole_BTD.shape == parts_BTD.shape and torch.allclose(whole_BTD, parts_BTD, rtol=_RTOL, atol=_ATOL)


class _ReachedError(Exception):
    """A pass has come as far as it was to go."""


def _until(model: Any, part: nn.Module, batch: Batch) -> Tensor:
    """Return the states that a part of a model returns, without dropout; nothing above it is computed."""
    reached: list[Tensor] = []

    def stop(_module: nn.Module, _inputs: Any, output: Any) -> None:
        reached.append(output if isinstance(output, Tensor) else output[0])
        raise _ReachedError

    hook = part.register_forward_hook(stop)
    try:
        with _evaluating(model), contextlib.suppress(_ReachedError):
            model(**batch.inputs())
    finally:
        hook.remove()
    return reached[0]


@contextlib.contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Drop nothing, and leave each module as it was."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


@contextlib.contextmanager
def _instead(module: Any, forward: Callable[..., Any]) -> Iterator[None]:
    """Let a module call another function."""
    own = vars(module).get("forward")
    module.forward = forward
    try:
        yield
    finally:
        if own is None:
            del module.forward
        else:
            module.forward = own


def _passing_on(extras: int | None, states: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return the `forward` of a layer that computes nothing: it returns states in the form that the layer has."""

    def forward(*args: Any, hidden_states: Any = None, **_: Any) -> Any:
        found = states(args[0] if args else hidden_states)
        return found if extras is None else (found, *[None] * extras)

    return forward


def _embeddings(model: nn.Module, lowest: nn.Module) -> Any:
    """Return the module `embeddings` beside which the layers lie; None where the embeddings are no module."""
    [path] = [name for name, module in model.named_modules() if module is lowest]
    while path:
        path = path.rpartition(".")[0]
        if isinstance(found := getattr(model.get_submodule(path), "embeddings", None), nn.Module):
            return found
    return None


def _nothing(embeddings: nn.Module, states_BTD: Tensor) -> Tensor:
    """Return zeros in the shape of embeddings, which take no memory: whatever reads them is left out."""
    table = next(module for module in embeddings.modules() if isinstance(module, nn.Embedding)).weight
    width = _width(embeddings, table)
    return table.new_zeros(()).expand(*states_BTD.shape[:2], width)


def _width(embeddings: nn.Module, table: Tensor) -> int:
    """Return the width of what an embedding module returns: its projection's where it has one, else its table's."""
    linear = [module.out_features for module in embeddings.modules() if isinstance(module, nn.Linear)]
    return linear[-1] if linear else int(table.shape[1])


@contextlib.contextmanager
def _lent_positions(lowest: nn.Module, above: nn.Module) -> Iterator[None]:
    """Let the first layer that is computed have the table of positions that T5 keeps in its lowest one for all."""
    lent: list[Any] = []
    for name, owner in lowest.named_modules():
        if getattr(owner, "has_relative_attention_bias", False):
            borrower: Any = above.get_submodule(name)
            if not borrower.has_relative_attention_bias:
                borrower.has_relative_attention_bias = True
                borrower.relative_attention_bias = owner.relative_attention_bias
                lent.append(borrower)
    try:
        yield
    finally:
        for borrower in lent:
            borrower.has_relative_attention_bias = False
            del borrower.relative_attention_bias


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()
