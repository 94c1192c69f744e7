"""What kind of model a folder holds, from its configuration: a wrong one is refused before its weights are read."""

from __future__ import annotations

import json
from pathlib import Path

from transformers.models.auto import modeling_auto

from oreline.errors import ArtifactError


def refuse_no_encoder(folder: str | Path) -> None:
    """Raise `ArtifactError` for a model that is no text encoder: one that writes text, or that reads no text.

    A folder without a readable configuration is left to whoever opens it.
    """
    try:
        config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if (found := _other_kind(config)) is not None:
        kind, fits = found
        raise ArtifactError(
            f"the start model ({config['model_type']}) is {kind}, and this needs a text encoder",
            where=str(folder),
            allowed="an encoder, such as BERT, RoBERTa, ELECTRA, DistilBERT or ModernBERT",
            remedy=f"--start catalog:minilm-l6-en, or an encoder for your language{fits}",
        )


def _other_kind(config: dict[str, object]) -> tuple[str, str] | None:
    """Return what a model is that is no text encoder, and the task that it is for; None for an encoder.

    >>> _other_kind({"model_type": "gpt2", "vocab_size": 50257})[0]
    'a causal language model'
    >>> _other_kind({"model_type": "bert", "vocab_size": 30522}) is None
    True
    """
    name = config.get("model_type")
    masked = name in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if config.get("is_encoder_decoder") or (name in modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES):
        return "an encoder with a decoder", "; such a model is for the task seq2seq"
    if config.get("is_decoder") or (name in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and not masked):
        return "a causal language model", "; such a model is for the task chat"
    images = modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES
    sounds = modeling_auto.MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES
    if not masked and (name in images or name in sounds):
        return f"a model of {'images' if name in images else 'sound'}", ""
    return None
