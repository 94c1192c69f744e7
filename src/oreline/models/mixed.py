"""Carry an encoder's states from layer to layer in bf16 where its products are computed in bf16 on a CPU.

Under autocast, a linear layer returns bf16 and what is added to it is fp32, so that the sum, the norm and the next
layer's input are fp32: each layer reads and writes twice the memory and converts its states eight times. Where the
processor multiplies bf16 (AMX), that is a twentieth of the training time of a small model. Sums and norms are still
computed in fp32; what is stored of them is rounded to bf16, as every product's result is already.

Shape suffixes: B rows of one batch, T tokens, D width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from oreline.models.attention import SAME_LAYOUT


def carry_bf16(model: nn.Module) -> None:
    """Let the layers of an encoder built like BERT pass bf16 on under autocast on a CPU; what comes out is fp32."""
    for layers in model.modules():
        if isinstance(layers, nn.ModuleList) and layers and type(layers[0]).__name__ in SAME_LAYOUT:
            for layer in layers:
                layer.register_forward_pre_hook(_narrowed)
            layers[-1].register_forward_hook(_widened)


def _narrowed(_layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    states_BTD = inputs[0]
    if states_BTD.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        return inputs
    return (states_BTD.to(torch.get_autocast_dtype("cpu")), *inputs[1:])


def _widened(_layer: nn.Module, _inputs: tuple[Any, ...], states_BTD: Tensor) -> Tensor:
    return states_BTD.float()
