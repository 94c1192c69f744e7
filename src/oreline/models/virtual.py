"""Virtual tokens: trained vectors that every text is read together with, and that nothing reads out.

They are appended behind the text: attention does not care for order but through position embeddings, which they have
none of; the first token stays the first, no text is cut shorter for them, and what the head reads is the text's own
tokens.

Shape suffixes: B rows of one batch, T tokens, P virtual tokens, D width, H heads, E width of one head.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor, nn

from oreline.errors import UsageError
from oreline.models.adapting import KEYS, VALUES, WRITING, encoder_of, known_parts
from oreline.models.checkpointing import is_checkpointed


def refuse_writers(model: Any) -> None:
    """Raise `UsageError` for a model that writes: each new token would need the virtual ones anew."""
    if type(model).__name__.endswith(WRITING):
        raise UsageError(
            f"virtual tokens are for models that read a text once, and {type(model).__name__} writes",
            allowed="lora, rslora, dora, adalora, oft",
            remedy="choose another adapter, such as lora",
        )


def append_tokens(model: Any, prompt: nn.Module, num_tokens: int) -> None:
    """Let a classifier's encoder see `prompt(places)`, of shape (1, P, D), behind the embeddings of each text.

    Raises `UsageError` for an encoder without an embedding module.
    """
    encoder = encoder_of(model)
    embedding_width(model)
    encoder.prompt = prompt
    longer = functools.partial(_longer_mask, num_tokens)
    encoder.register_forward_pre_hook(longer, with_kwargs=True)
    encoder.embeddings.register_forward_hook(lambda _, __, hidden_BTD: _appended(hidden_BTD, prompt, num_tokens))
    encoder.register_forward_hook(lambda _, __, output: _cut(output, num_tokens))


def embedding_width(model: Any) -> int:
    """Return the width of the vectors that enter the first layer. Raises `UsageError` as `append_tokens`."""
    return int(embedded(model, torch.zeros((1, 1), dtype=torch.int64)).shape[-1])


@torch.no_grad()
def embedded(model: Any, ids_BT: Tensor) -> Tensor:
    """Return what the embedding module makes of token ids, (B, T, D), without dropout."""
    refuse_writers(model)
    encoder = encoder_of(model)
    module = getattr(encoder, "embeddings", None)
    if not isinstance(module, nn.Module):
        raise UsageError(
            f"{type(encoder).__name__} has no module `embeddings` to put virtual tokens behind",
            allowed="a start model like BERT, RoBERTa, ELECTRA or DistilBERT",
            remedy="choose another adapter, such as lora",
        )
    was_training = module.training
    hidden_BTD: Tensor = module.eval()(ids_BT)
    module.train(was_training)
    return hidden_BTD


def put_prefix(model: Any, prefix: nn.Module, num_tokens: int) -> None:
    """Let each attention see keys and values from `prefix(places)`, of shape (1, P, layers · 2 · D), behind its own.

    Raises `UsageError` for an encoder without the attention interface, whose attention cannot be given more keys.
    """
    encoder = encoder_of(model)
    attentions = attention_modules(model)
    heads, width = heads_of(model)
    encoder.prefix = prefix

    def give(*_: Any) -> None:
        places_1P = torch.arange(num_tokens, device=next(prefix.parameters()).device)[None]
        states = prefix(places_1P)[0].view(num_tokens, len(attentions), 2, heads, width // heads)
        for layer, attention in enumerate(attentions):
            attention.extra_states = states[:, layer].permute(1, 2, 0, 3)  # keys and values, (2, H, P, E)

    def take(_: Any, __: Any, output: Any) -> Any:
        if encoder.training and is_checkpointed(encoder):
            return output  # a layer that is computed again in the backward pass needs them there
        for attention in attentions:
            attention.extra_states = None
        return output

    encoder.register_forward_pre_hook(give)
    encoder.register_forward_hook(take)


def attention_modules(model: Any) -> list[Any]:
    """Return the modules that attend, from the lowest layer up. Raises `UsageError` as `put_prefix`."""
    refuse_writers(model)
    encoder = encoder_of(model)
    if not getattr(encoder, "_supports_sdpa", False):
        raise UsageError(
            f"{type(encoder).__name__} has no attention interface to put a prefix into",
            allowed="a start model like BERT, RoBERTa, ELECTRA or DistilBERT",
            remedy="choose another adapter, such as lora",
        )
    keys, _ = known_parts(encoder, KEYS, VALUES)
    return [encoder.get_submodule(name.rpartition(".")[0]) for name in keys]


def heads_of(model: Any) -> tuple[int, int]:
    """Return the number of attention heads, and the width of all of them together."""
    config = encoder_of(model).config
    return int(config.num_attention_heads), int(config.hidden_size)


def _longer_mask(num_tokens: int, _: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    mask_BT = kwargs.get("attention_mask")
    if mask_BT is None:
        return args, kwargs
    longer_BT = torch.cat([mask_BT, mask_BT.new_ones(mask_BT.shape[0], num_tokens)], dim=1)
    return args, {**kwargs, "attention_mask": longer_BT}


def _appended(hidden_BTD: Tensor, prompt: nn.Module, num_tokens: int) -> Tensor:
    places_1P = torch.arange(num_tokens, device=hidden_BTD.device)[None]
    prompt_BPD = prompt(places_1P).to(hidden_BTD.dtype).expand(hidden_BTD.shape[0], -1, -1)
    return torch.cat([hidden_BTD, prompt_BPD], dim=1)


def _cut(output: Any, num_tokens: int) -> Any:
    hidden_BTD = output.last_hidden_state
    if hidden_BTD.shape[1] > 1:  # a single state is the first token's: the last layer computed no other
        output["last_hidden_state"] = hidden_BTD[:, :-num_tokens]
    return output


def refuse_few(num_tokens: int) -> None:
    """Raise `UsageError` for a number of virtual tokens below 1."""
    if num_tokens < 1:
        raise UsageError(f"num_tokens is {num_tokens}", allowed="from 1")
