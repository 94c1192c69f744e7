"""Open start models: transformers encoders and classifiers from local folders, safetensors only, no code run.

Shape suffixes: B rows of one batch, T tokens, D width, K classes.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)
from transformers.utils import logging as transformers_logging

from oreline import store
from oreline.atomic import errno_of
from oreline.errors import ArtifactError
from oreline.models.adapting import WRITING
from oreline.models.base import ADAPTER, refuse_ensemble
from oreline.models.kinds import refuse_no_encoder
from oreline.models.masked_choice import MaskedChoice
from oreline.models.network import MODEL_TYPE, refuse_without, register
from oreline.models.pooling import PooledClassifier, PooledEncoder
from oreline.models.sentence import read_pooling, write_modules

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD = "head.safetensors"
"""Weights of a head for which transformers has no class: `weight` (K, D), `bias` (K,), or the tokens `words` (K,) and
`mask` of a choice among words; its kind and pooling in the metadata."""


_TRAINABLE = "torch"
"""Runtime of the models that training goes on from."""
UNBOUNDED = 1 << 20
"""Tokens that a model takes whose positions are relative to one another (T5): as many as memory holds."""


def load_encoder(folder: str | Path) -> Any:
    """Open an encoder without a head.

    Raises `ArtifactError` when the folder holds no model, holds only a pickle, or needs code of its own.
    """
    refuse_no_encoder(folder)
    return _open(AutoModel, folder)


def load_masked(folder: str | Path) -> Any:
    """Open an encoder with a masked-language-model head; the head is new unless the folder has one."""
    refuse_no_encoder(folder)
    model = _open(AutoModelForMaskedLM, folder)
    file = Path(folder) / HEAD
    if file.is_file() and _metadata(file).get("kind") == "masked":
        model.load_state_dict(load_file(file), strict=False)
    return model


def load_classifier(folder: str | Path, num_labels: int, *, pooling: str | None = None) -> Any:
    """Open an encoder with a linear head over `num_labels` classes; the head is new unless the folder has one.

    Args:
        folder: a transformers model folder, ours or another's.
        num_labels: number of classes; a head of another size is replaced by a new one.
        pooling: `first` (transformers' own class: the first token's state), `mean` or `max` (over all tokens),
            `marks` (two tokens that the task marks), `token` (an answer for every token), `vector` (no classes: one
            vector for each text, as the folder's `1_Pooling` says), or what the folder was saved with.

    Returns:
        A module whose call takes `input_ids`, `attention_mask` and returns an object with `logits` (B, K) or (B, T, K).
    """
    refuse_no_encoder(folder)
    if pooling == "token":
        return _open(AutoModelForTokenClassification, folder, num_labels=num_labels, ignore_mismatched_sizes=True)
    if pooling == "vector":
        return PooledEncoder(load_encoder(folder), read_pooling(Path(folder)) or "mean")
    file = Path(folder) / HEAD
    saved = _metadata(file) if file.is_file() else {}
    if saved.get("kind") == "masked_choice" and pooling is None:
        weights = load_file(file)
        return MaskedChoice(load_masked(folder), weights["words"].tolist(), int(weights["mask"]))
    pooling = pooling or saved.get("pooling", "first")
    if pooling == "first":
        return _open(AutoModelForSequenceClassification, folder, num_labels=num_labels, ignore_mismatched_sizes=True)
    model = PooledClassifier(load_encoder(folder), num_labels, pooling)
    if saved.get("kind") == "classifier":
        weights = load_file(file)
        if weights["weight"].shape == model.classifier.weight.shape:
            model.classifier.load_state_dict(weights)
    return model


def saved_pooling(folder: Path, num_labels: int) -> str | None:
    """Return how a folder's own head over `num_labels` classes reads a text; None where it has no such head."""
    file = folder / HEAD
    if not file.is_file() or _metadata(file).get("kind") != "classifier":
        return None
    with safe_open(file, "pt") as stream:
        fits = stream.get_slice("weight").get_shape()[0] == num_labels
    return _metadata(file).get("pooling") if fits else None


def load_causal(folder: str | Path) -> Any:
    """Open a causal language model: one that writes a text token by token.

    Raises `ArtifactError` for an encoder, an encoder–decoder model, or a folder without the weights that write.
    """
    path = Path(folder)
    require_causal(path)
    model = _open(AutoModelForCausalLM, path)
    if model.new_weights:
        raise ArtifactError(
            f"the model lacks the weights {min(model.new_weights)!r}, which write the text",
            where=str(path),
            remedy="give a folder saved from a …ForCausalLM model",
        )
    return model


def load_seq2seq(folder: str | Path) -> Any:
    """Open an encoder–decoder model: T5, mT5, BART, Marian and their like.

    Raises `ArtifactError` for a model of another kind, or a folder without the weights that write.
    """
    path = Path(folder)
    require_seq2seq(path)
    model = _open(AutoModelForSeq2SeqLM, path)
    if lacking := sorted(name for name in model.new_weights if "embed" not in name):
        raise ArtifactError(
            f"the model lacks the weights {lacking[0]!r}, which write the text",
            where=str(path),
            remedy="give a folder saved from a …ForConditionalGeneration model",
        )
    return model


def _config(path: Path) -> Any:
    """Return a model's configuration; None where transformers does not know it, as opening it says."""
    try:
        return AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError):
        return None


def refuse_wrong_kind(folder: Path, head: str) -> None:
    """Raise `ArtifactError` for a model of another kind than a task's head stands on, by its configuration alone."""
    runtime = store.read_manifest(folder).runtime if (folder / store.MANIFEST).is_file() else _TRAINABLE
    if runtime != _TRAINABLE:
        raise ArtifactError(
            f"the start model is of the runtime {runtime!r}, which cannot be trained on",
            where=str(folder),
            allowed="a model of the runtime torch: a start model, or what was fine-tuned from one",
            remedy="start from the model that it was compressed from"
            if runtime == "onnx"
            else f"leave --start out: --method {runtime} begins from nothing",
        )
    require = {"causal": require_causal, "seq2seq": require_seq2seq}.get(head, refuse_no_encoder)
    require(folder)


def require_seq2seq(folder: Path) -> None:
    """Raise `ArtifactError` for a folder that holds no encoder–decoder model, before anything else of it is read."""
    _checked_config(folder)
    config = _config(folder)
    if config is not None and not (getattr(config, "is_encoder_decoder", False) and hasattr(config, "hidden_size")):
        raise ArtifactError(
            f"the start model ({config.model_type}) does not read one text and write another",
            where=str(folder),
            allowed="T5, mT5, BART, Marian and their like",
            remedy="give the folder of one with --start",
        )


def require_causal(folder: Path) -> None:
    """Raise `ArtifactError` for a folder that holds no causal language model, before anything else of it is read."""
    _checked_config(folder)
    if kind := _other_kind(folder):
        raise ArtifactError(
            f"the start model is {kind}, which cannot go on writing a text",
            where=str(folder),
            allowed="a causal language model, such as GPT-2, Llama, Qwen or Gemma",
            remedy="give the folder of one with --start",
        )


def _other_kind(path: Path) -> str | None:
    """Say what a model is that is no causal language model; None for one."""
    config = _config(path)
    if config is None:
        return None
    if getattr(config, "is_encoder_decoder", False):
        return f"an encoder–decoder model ({config.model_type})"
    written = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(config.model_type)
    # BERT's relatives can be opened as decoders, and are none unless their configuration says so.
    is_encoder = config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(config, "is_decoder", False)
    return f"an encoder ({config.model_type})" if is_encoder or written is None else None


def save_model(model: Any, folder: Path, *, labels: tuple[str, ...] = ()) -> None:
    """Write `config.json`, `model.safetensors` and, where transformers has no class for the whole, the head.

    `labels` go into the configuration, so that transformers names the classes too.
    """
    whole = model.encoder if isinstance(model, PooledClassifier | PooledEncoder) else model
    whole = model.masked if isinstance(model, MaskedChoice) else whole
    if labels and not isinstance(model, PooledEncoder):
        whole.config.id2label = dict(enumerate(labels))
        whole.config.label2id = {label: index for index, label in enumerate(labels)}
    with quiet(), disk_errors(folder):
        whole.save_pretrained(folder)
    if not type(whole).__name__.endswith(WRITING):
        (folder / "generation_config.json").unlink(missing_ok=True)
    if isinstance(model, PooledEncoder):
        write_modules(folder, model.pooling, int(model.config.hidden_size), max_positions(model))
    if isinstance(model, PooledClassifier):
        save_head(folder, model.classifier.state_dict(), kind="classifier", pooling=model.pooling)
    if isinstance(model, MaskedChoice):
        save_head(folder, {"words": model.words_K, "mask": model.mask}, kind="masked_choice")


def save_encoder(model: Any, folder: Path) -> None:
    """Write a model's encoder without its head, so that `AutoModel` opens it."""
    with quiet(), disk_errors(folder):
        model.base_model.save_pretrained(folder)


def save_head(folder: Path, weights: Mapping[str, torch.Tensor], **metadata: str) -> None:
    """Write `head.safetensors` with what the head is in its metadata."""
    with disk_errors(folder):
        # One entry: safetensors writes several in an order that differs from run to run.
        described = {"head": json.dumps(metadata, sort_keys=True)}
        save_file({name: tensor.detach().contiguous() for name, tensor in weights.items()}, folder / HEAD, described)


def max_positions(model: Any) -> int:
    """Return how many tokens the model takes, special tokens included."""
    config = model.config
    if getattr(config, "relative_attention_num_buckets", None):
        return UNBOUNDED
    positions = int(getattr(config, "max_position_embeddings", 512) or 512)
    # RoBERTa's positions begin after the padding index.
    offset = (config.pad_token_id or 0) + 1 if config.model_type in {"roberta", "xlm-roberta", "camembert"} else 0
    return positions - offset


def _open(family: Any, folder: str | Path, **options: Any) -> Any:
    path = Path(folder)
    config = _checked_config(path)
    if config.get("model_type") == MODEL_TYPE:
        register()
        refuse_without(family.__name__, config, str(path))
    with quiet():
        try:
            model, found = family.from_pretrained(
                path,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                **options,
            )
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise ArtifactError(
                f"the model cannot be opened: {str(error).splitlines()[0]}",
                where=str(path),
                remedy="give a folder in Hugging Face layout whose architecture transformers knows",
            ) from error
    model.new_weights = frozenset(found["missing_keys"])  # those that the folder has not, so they are random
    return model


def _checked_config(path: Path) -> dict[str, Any]:
    """Return the content of `config.json`. Raises `ArtifactError` for a folder that is not opened."""
    refuse_ensemble(path)
    if (path / ADAPTER).is_file():
        raise ArtifactError(
            "this is an adapter, which is opened with its base model only",
            where=str(path),
            remedy=f"fold it into its base first: oreline merge {path} --out DIR",
        )
    if not (path / "config.json").is_file():
        raise ArtifactError(
            "not a model folder: it has no config.json",
            where=str(path),
            allowed="config.json, model.safetensors, tokenizer.json",
            remedy="give a folder in Hugging Face layout, or a catalog name such as catalog:minilm-l6-en",
        )
    if not list(path.glob("*.safetensors")):
        pickles = sorted(
            file.name for file in path.iterdir() if file.suffix in {".bin", ".pt", ".pth", ".ckpt", ".pkl"}
        )
        raise ArtifactError(
            f"the model is a pickle ({pickles[0]}), which is never opened"
            if pickles
            else "it has no model.safetensors",
            where=str(path),
            allowed="model.safetensors",
            remedy="save the weights as safetensors, in a place where you trust the file",
        )
    try:
        config: dict[str, Any] = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ArtifactError(
            "config.json is not JSON", where=str(path), remedy="restore it from a copy, or save the model again"
        ) from error
    if "auto_map" in config:
        raise ArtifactError(
            "the model needs code from its own folder, which is never run",
            where=str(path),
            allowed="an architecture that transformers knows, without auto_map in config.json",
            remedy="start from another model, or from the same one as transformers itself has it",
        )
    return config


def _metadata(file: Path) -> dict[str, str]:
    with safe_open(file, "pt") as stream:
        described: dict[str, str] = json.loads((stream.metadata() or {}).get("head", "{}"))
    return described


@contextlib.contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Turn what safetensors says of a failing disk ("… (os error 28) …") back into the operating system's error."""
    try:
        yield
    except SafetensorError as error:
        if not (number := errno_of(error)):
            raise
        raise OSError(number, os.strerror(number), str(place)) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers: a new head is expected, and said by us; its bars would break ours."""
    before = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(before)
        if bars:
            transformers_logging.enable_progress_bar()
