"""Put layers of the library `peft` around a model's own: LoRA and its relatives.

`peft` is used without its model class: its layers take the place of the encoder's, so that the heads, the loop and the
quick kernels see the model they know. Imports of `peft` take some seconds, so nothing but these adapters needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import peft
from torch import nn
from transformers.pytorch_utils import Conv1D

from oreline.errors import UsageError
from oreline.models.adapting import Plain, encoder_of, refuse_wide, targeted


def inject(model: Any, config: peft.PeftConfig) -> None:
    """Put the layers that a configuration describes into a classifier's encoder."""
    peft.inject_adapter_in_model(config, encoder_of(model))


class LowRank(Plain):
    """LoRA and its relatives: W + s · B A in place of the weights W of some linear layers.

    B begins at zero, so nothing changes at first. What a relative does otherwise is a switch of `peft`.
    """

    learning_rate = 2e-3
    merges = True
    variant: ClassVar[Mapping[str, Any]] = {}
    """Switches of `peft.LoraConfig`, such as `use_dora`."""
    rank: int
    alpha: float
    dropout: float
    targets: Sequence[str] | str
    layers: Sequence[int] | None

    def apply(self, model: Any) -> None:
        """Put B and A, and what belongs to them, beside the targeted layers.

        Raises `UsageError` for targets that name no layer, a rank above a layer's width, or a wrong number.
        """
        encoder = encoder_of(model)
        names = targeted(encoder, self.targets, self.layers)
        refuse_wide(encoder, names, "rank", self.rank)
        refuse_share("dropout", self.dropout)
        # GPT-2's layers hold their weights the other way round.
        turned = any(isinstance(encoder.get_submodule(name), Conv1D) for name in names)
        given: dict[str, Any] = {"r": self.rank, "lora_alpha": self.alpha, "lora_dropout": self.dropout, **self.variant}
        inject(model, peft.LoraConfig(target_modules=names, fan_in_fan_out=turned, **given))


def refuse_share(name: str, value: float) -> None:
    """Raise `UsageError` for an option that is no share below one."""
    if not isinstance(value, int | float) or not 0 <= value < 1:
        raise UsageError(f"{name} is {value!r}", allowed=f"0 <= {name} < 1")


def injected(encoder: nn.Module, part: str) -> dict[str, nn.Parameter]:
    """Return the parameters of an injected part (such as `lora_A`) by name."""
    return {name: parameter for name, parameter in encoder.named_parameters() if f".{part}." in name}
