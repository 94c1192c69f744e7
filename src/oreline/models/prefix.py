"""The lowest layers of an encoder as a model of their own, and the layers above them fed with what those return.

What does not train returns the same for a text in every epoch. `Prefix.states` runs the lowest layers alone, and inside
`Prefix.left_out` the model starts from given states. Nothing about the model is changed for good: for the time of one
pass the list of layers is a shorter one.

Shape suffixes: B rows of one batch, T tokens, D width.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from oreline.models.attention import SAME_LAYOUT
from oreline.models.batch import Batch


class Prefix:
    """The embeddings and the lowest layers of an encoder that is built like BERT."""

    def __init__(self, encoder: Any, num_layers: int) -> None:
        """Take the `num_layers` lowest layers of `encoder`, a module with `embeddings` and `encoder.layer`."""
        self._encoder, self.num_layers = encoder, num_layers
        layers = encoder.encoder.layer
        self._below, self._above = layers[:num_layers], layers[num_layers:]
        self.width = int(encoder.config.hidden_size)

    @property
    def device(self) -> torch.device:
        """Where states are."""
        found: torch.device = next(self._encoder.parameters()).device
        return found

    @property
    def share(self) -> float:
        """Share of the model's layers that are these."""
        return self.num_layers / (len(self._below) + len(self._above))

    @property
    def num_weights(self) -> int:
        """Weights of matrix products."""
        return sum(weight.numel() for weight in self._below.parameters() if weight.ndim >= 2)

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield all weights by name, in a fixed order."""
        for part in (self._encoder.embeddings, self._below):
            yield from part.state_dict().items()

    @torch.no_grad()
    def states(self, batch: Batch, *, bf16: bool = False) -> Tensor:
        """Return the states after the lowest layers, (B, T, D) in fp32, without dropout.

        Args:
            batch: token ids; states that it has are not used.
            bf16: compute under autocast.
        """
        self._encoder.embeddings.eval()
        self._below.eval()
        with self._layers(self._below), torch.autocast(batch.ids_BT.device.type, torch.bfloat16, enabled=bf16):
            hidden_BTD: Tensor = self._encoder(**batch.inputs()).last_hidden_state
        return hidden_BTD.float()

    @contextlib.contextmanager
    def left_out(self) -> Iterator[None]:
        """Let the model start above the lowest layers: it is called with `inputs_embeds`, their states."""
        embeddings, self._encoder.embeddings = self._encoder.embeddings, _Given()
        try:
            with self._layers(self._above):
                yield
        finally:
            self._encoder.embeddings = embeddings

    @contextlib.contextmanager
    def _layers(self, layers: nn.ModuleList) -> Iterator[None]:
        whole, self._encoder.encoder.layer = self._encoder.encoder.layer, layers
        try:
            yield
        finally:
            self._encoder.encoder.layer = whole


class _Given(nn.Module):
    """Stands for the embeddings where states are given."""

    def forward(self, inputs_embeds: Tensor, **_: Any) -> Tensor:
        return inputs_embeds


def prefix_of(model: nn.Module, num_layers: int) -> Prefix | None:
    """Return the `num_layers` lowest layers of the encoder in a model; None for another architecture than BERT's.

    A last layer that is computed for the first token only (`models.attention.first_token_only`) is never a part: it
    returns states for one token. Then the prefix may be a layer shorter than asked for.
    """
    for module in model.modules():
        layers = getattr(getattr(module, "encoder", None), "layer", None)
        if not isinstance(layers, nn.ModuleList) or not hasattr(module, "embeddings"):
            continue
        last: Any = layers[-1]
        # A small ELECTRA widens its embeddings on their way to the first layer.
        if type(last).__name__ not in SAME_LAYOUT or last.is_decoder or hasattr(module, "embeddings_project"):
            return None
        longest = len(layers) - ("forward" in vars(last))
        return Prefix(module, min(num_layers, longest)) if min(num_layers, longest) > 0 else None
    return None
