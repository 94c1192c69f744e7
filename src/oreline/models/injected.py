"""Put layers of the library `peft` around a model's own: LoRA and its relatives.

`peft` is used without its model class: its layers take the place of the encoder's, so that the heads, the loop and the
quick kernels see the model they know. Imports of `peft` take some seconds, so nothing but these adapters needs it.
"""

from __future__ import annotations

from typing import Any

import peft
from torch import nn
from transformers.pytorch_utils import Conv1D

from oreline.errors import UsageError
from oreline.models.adapting import encoder_of, refuse_wide, targeted


def inject(model: Any, config: peft.PeftConfig) -> None:
    """Put the layers that a configuration describes into a classifier's encoder."""
    peft.inject_adapter_in_model(config, encoder_of(model))


def inject_lora(
    model: Any, *, rank: int, alpha: float, dropout: float, targets: Any, layers: Any = None, **variant: Any
) -> None:
    """Put W + s · B A in place of the weights W of some linear layers; B begins at zero, so nothing changes at first.

    Args:
        model: a classifier.
        rank: rows of A and columns of B.
        alpha: s is alpha / rank.
        dropout: share of the inputs of A that are dropped while training.
        targets: see `oreline.models.adapting.targeted`; `layers` too.
        variant: switches of `peft.LoraConfig`, such as `use_dora`.

    Raises:
        UsageError: targets that name no layer, a rank above a layer's width, a wrong number.
    """
    encoder = encoder_of(model)
    names = targeted(encoder, targets, layers)
    refuse_wide(encoder, names, "rank", rank)
    refuse_share("dropout", dropout)
    # GPT-2's layers hold their weights the other way round.
    variant["fan_in_fan_out"] = any(isinstance(encoder.get_submodule(name), Conv1D) for name in names)
    config = peft.LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=names, **variant)
    inject(model, config)


def refuse_share(name: str, value: float) -> None:
    """Raise `UsageError` for an option that is no share below one."""
    if not isinstance(value, int | float) or not 0 <= value < 1:
        raise UsageError(f"{name} is {value!r}", allowed=f"0 <= {name} < 1")


def injected(encoder: nn.Module, part: str) -> dict[str, nn.Parameter]:
    """Return the parameters of an injected part (such as `lora_A`) by name."""
    return {name: parameter for name, parameter in encoder.named_parameters() if f".{part}." in name}
