"""Make a transformers encoder fast for short texts, without changing what it computes.

Three exact changes, each to the loaded module only; configuration and weights stay as they are:

* `use_short_attention`: plain matrix products while training with dropout (scaled-dot-product attention draws its
  random numbers one by one on a CPU) or in bf16 (its backward pass takes 3 to 10 times as long there, for 512 to 16
  tokens), the fused kernel otherwise.
* `use_quick_dropout`: 16 random bits decide each element. torch draws a float each, at 11 ns an element on one Zen 3
  core, which costs a tenth of the training time of a model this small; this draws four elements in one 64-bit number.
* `first_token_only`: a classifier that reads the first token's state needs the last layer for that token only
  (keys and values still come from all tokens), which saves a seventh of the work of a six-layer encoder.

Shape suffixes: B rows of one batch, H heads, T tokens, D width, E width of one head.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

SHORT = "oreline_short"
SAME_LAYOUT = {"BertLayer", "RobertaLayer", "XLMRobertaLayer", "CamembertLayer", "ElectraLayer"}
"""Layers built like BERT's, in models whose classifier reads the first token."""
_WIDE_BELOW = 64
"""Tokens below which the softmax of bf16 scores is computed in fp32: 0.6 instead of 1.1 ms for 32 rows of 27."""


class _Dropout(torch.autograd.Function):
    """x · keep / P(keep), where `keep` is decided by 16 random bits."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rate: float) -> Tensor:
        steps = round(rate * 65536)
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        drawn = words.view(torch.int16)[: x.numel()]
        # 0 and 1 in the type of what was drawn: comparing into bools and multiplying by them, takes five times as long.
        keep = torch.ge(drawn, steps - 32768, out=torch.empty_like(drawn)).view(x.shape)
        ctx.save_for_backward(keep)
        ctx.scale = 65536 / (65536 - steps)
        return (x * keep.to(x.dtype)).mul_(ctx.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (keep,) = ctx.saved_tensors
        return (gradients[0] * keep.to(gradients[0].dtype)).mul_(ctx.scale), None


def quick_dropout(x: Tensor, rate: float) -> Tensor:
    """Set a share `rate` of the elements to zero and scale the others so that the mean stays.

    The rate is rounded to 1/65536. Random bits come from torch's default CPU generator.

    >>> _ = torch.manual_seed(0)
    >>> dropped = quick_dropout(torch.ones(10000), 0.1)
    >>> round(float((dropped == 0).float().mean()), 2), round(float(dropped.max()), 4)
    (0.1, 1.1111)
    """
    if rate <= 0.0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, rate)
    dropped: Tensor = _Dropout.apply(x, rate)  # type: ignore[no-untyped-call]
    return dropped


class QuickDropout(nn.Dropout):
    """`torch.nn.Dropout` with `quick_dropout`."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop while training; pass through otherwise."""
        return quick_dropout(input, self.p) if self.training else input


def use_quick_dropout(model: nn.Module) -> None:
    """Replace every `torch.nn.Dropout` in a model; it draws other random numbers of the same law."""
    for module in model.modules():
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, QuickDropout(child.p))


def drops(model: nn.Module) -> bool:
    """Whether two passes of a model in training may differ: a module drops, or keeps such a rate as a number."""
    for module in model.modules():
        rates = {"drop": module.p} if isinstance(module, nn.Dropout) else vars(module)
        if any("drop" in name and isinstance(rate, float) and rate > 0 for name, rate in rates.items()):
            return True
    return False


def set_dropout(model: nn.Module, rate: float) -> None:
    """Set the rate of every dropout in a model, those too that a layer keeps as a number (BART)."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = rate
        elif isinstance(getattr(module, "dropout", None), float):
            module.dropout = rate  # type: ignore[assignment]


def use_short_attention(model: Any) -> None:
    """Let a model attend through `short_attention`, where its architecture has the attention interface."""
    if not getattr(model, "_supports_sdpa", False):
        return
    AttentionInterface.register(SHORT, short_attention)
    AttentionMaskInterface.register(SHORT, _mask)
    model.set_attn_implementation(SHORT)


def _mask(*positions: Any, **options: Any) -> Tensor | None:
    """Return transformers' mask without its look at whether anything is padded: a GPU would be waited for.

    A batch that has a mask has padding (`models.batch.make_batch`), so nothing could be left out.
    """
    if options.get("attention_mask") is not None:
        options["allow_is_bidirectional_skip"] = False
    found: Tensor | None = sdpa_mask(*positions, **options)
    return found


def short_attention(
    module: nn.Module,
    query_BHTE: Tensor,
    key_BHTE: Tensor,
    value_BHTE: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """softmax(Q Kᵀ · scaling) V, with the signature of transformers' attention interface; returns (B, T, H, E).

    A module with `extra_states`, keys and values of shape (2, H, P, E) of P virtual tokens, attends to them too.
    """
    if (extra := getattr(module, "extra_states", None)) is not None:
        key_BHTE, value_BHTE = (
            torch.cat([own_BHTE, more_HPE.to(own_BHTE.dtype).expand(own_BHTE.shape[0], -1, -1, -1)], dim=2)
            for own_BHTE, more_HPE in zip((key_BHTE, value_BHTE), extra)
        )
        if attention_mask is not None:
            attention_mask = F.pad(attention_mask, (0, extra.shape[2]), value=True)
    if not _is_plain(query_BHTE, dropout):
        mixed_BHTE = F.scaled_dot_product_attention(
            query_BHTE, key_BHTE, value_BHTE, attn_mask=attention_mask, dropout_p=dropout, scale=scaling
        )
        return mixed_BHTE.transpose(1, 2).contiguous(), None
    scale = scaling if scaling is not None else query_BHTE.shape[-1] ** -0.5
    scores_BHTT = torch.matmul(query_BHTE * scale, key_BHTE.transpose(2, 3))
    if attention_mask is not None:
        scores_BHTT = scores_BHTT.masked_fill(~attention_mask, torch.finfo(scores_BHTT.dtype).min)
    # A row that is no multiple of a vector register is slow in bf16, most of all a short one.
    wide = torch.float32 if scores_BHTT.shape[-1] < _WIDE_BELOW else None
    weights_BHTT = F.softmax(scores_BHTT, dim=-1, dtype=wide).to(scores_BHTT.dtype)
    return torch.matmul(quick_dropout(weights_BHTT, dropout), value_BHTE).transpose(1, 2).contiguous(), None


def _is_plain(query_BHTE: Tensor, dropout: float) -> bool:
    """Whether two matrix products and a softmax are faster than the fused kernel."""
    trains_bf16 = query_BHTE.dtype is torch.bfloat16 and query_BHTE.requires_grad
    return query_BHTE.device.type == "cpu" and (dropout > 0.0 or trains_bf16)


def first_token_only(model: Any) -> bool:
    """Compute the last layer for the first token only; returns whether the architecture allows it.

    Logits and gradients are those of the whole layer. `last_hidden_state` then has shape (B, 1, D).
    """
    layers = getattr(getattr(getattr(model, "base_model", None), "encoder", None), "layer", None)
    if not layers or type(layers[-1]).__name__ not in SAME_LAYOUT or layers[-1].is_decoder:
        return False
    layers[-1].forward = functools.partial(_first_token_layer, layers[-1])
    return True


def skipped_weights(model: Any) -> int:
    """Return the weights of linear layers that `first_token_only` leaves out for all tokens but the first."""
    layers = getattr(getattr(getattr(model, "base_model", None), "encoder", None), "layer", None)
    if not layers or not isinstance(layers[-1].forward, functools.partial):
        return 0
    attention = layers[-1].attention.self
    every_token = attention.key.weight.numel() + attention.value.weight.numel()
    linear = [module.weight.numel() for module in layers[-1].modules() if isinstance(module, nn.Linear)]
    unused: int = sum(linear) - every_token
    return unused


def _first_token_layer(
    layer: Any, hidden_BTD: Tensor, attention_mask: Tensor | None = None, *_: Any, **__: Any
) -> Tensor:
    attention = layer.attention.self
    first_B1D = hidden_BTD[:, :1]
    heads = (hidden_BTD.shape[0], -1, attention.num_attention_heads, attention.attention_head_size)
    mixed_B1HE, _weights = short_attention(
        attention,
        attention.query(first_B1D).view(heads).transpose(1, 2),
        attention.key(hidden_BTD).view(heads).transpose(1, 2),
        attention.value(hidden_BTD).view(heads).transpose(1, 2),
        attention_mask[:, :, :1] if attention_mask is not None else None,
        dropout=attention.dropout.p if layer.training else 0.0,
        scaling=attention.scaling,
    )
    attended_B1D = layer.attention.output(mixed_B1HE.flatten(2), first_B1D)
    output_B1D: Tensor = layer.output(layer.intermediate(attended_B1D), attended_B1D)
    return output_B1D
