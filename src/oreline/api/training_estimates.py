"""What training will take.

Training is estimated from the model's floating-point operations, 6 for each weight and token (forward and backward;
Kaplan et al., https://arxiv.org/abs/2001.08361) or 4 where an adapter trains instead of the weights, and this machine's
measured matrix products, of which training reaches 30 to 60 %. The linear method is estimated from the time that
counting character n-grams takes here.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oreline import registry
from oreline.api import build, choose, names
from oreline.api.estimates import Estimated, first_texts, first_values, num_rows, refined
from oreline.errors import DataError, UsageError
from oreline.models.base import base_folder
from oreline.recipe import TrainOptions

SHARES = (0.6, 0.3)
"""Shares of the measured peak that training reaches: the fast and the slow end of the estimate."""
_TOKEN_BUDGET = 2048
_CONTRASTIVE_STEPS = 15
_LINEAR_FACTORS = (3.0, 8.0)
"""Training the linear method takes so many times as long as counting the n-grams of its texts once."""
_TRIAL_SLOWER = 1.5
"""The slow end of an estimate from a few steps: dev is scored besides, and later rows may be longer."""
_LINEAR_BYTES = 150
"""Memory of the linear method for each character of text: features, vocabulary."""
_ACTIVATIONS = 34
"""Floats kept for the backward pass per token, layer and unit of width (Korthikanti et al., arXiv:2205.05198)."""


def estimate_training(verb: str, options: Mapping[str, Any], *, train_share: float | None = None) -> Estimated:
    """Estimate pretrain or finetune.

    Args:
        verb: which of them.
        options: its options.
        train_share: share of raw rows that will be in train; that of the default split when not given.

    Raises:
        OrelineError: wrong options, missing data, or no start model.
    """
    train = names.train_options(options.get("train"))
    rows = num_rows(options.get("data"), "train")
    if rows is None:
        raise UsageError("no data given", allowed="a file, a dataset folder, catalog:NAME, a frame or lists")
    if refined(options["data"])[0] is None:
        rows = round(rows * (names.DEFAULT_SPLIT["train"] if train_share is None else train_share))
    method, start = options.get("method", "auto" if verb == "finetune" else "full"), options.get("start")
    texts = first_texts(options)
    if name := names.network_name(start):
        return _from_nothing(name, options, train, rows, texts)
    why = ""
    task = options.get("task") or build.DEFAULT_TASK
    if verb == "finetune" and registry.get("task", task).view == "texts":
        method = "full" if method == "auto" else method
        start = choose.start_for(task, method, start)
    if method == "auto":
        if only := getattr(registry.get("task", task), "method", ""):
            method = only
        else:
            method, start, why = choose.decide(rows, texts, start, num_classes=_num_classes(options))
    folder = names.start_folder(start or build.DEFAULT_START) if method not in choose.WITHOUT_START else None
    if folder is None:
        return _linear(rows, texts, method + (f": {why}" if why else ""))
    folder = base_folder(folder)
    shape = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    width, inner, layers = _sizes(shape)
    weights = layers * (4 * width * width + 2 * width * inner)
    total = weights + int(shape["vocab_size"]) * width
    tokens = rows * _mean_tokens(folder, texts, train.max_tokens)
    budget = train.token_budget or _TOKEN_BUDGET
    if method in ("head", "zero_shot"):
        seconds = _seconds(2.0 * weights * tokens, width, inner)
        return Estimated(rows, seconds, 4 * total + (500 << 20), f"{method}: texts are embedded once")
    has_adapter = method.replace("-", "_") not in registry.names("method") or method == "adapter"
    frozen = int((options.get("method_options") or {}).get("freeze_layers", 0))
    if not 0 <= frozen <= layers:
        raise UsageError(f"freeze_layers is {frozen}", allowed=f"0 to {layers}, the model's layers")
    passes = train.epochs
    if method == "contrastive":  # few rows are seen more often, and embedded once more for the head
        passes = max(passes, _CONTRASTIVE_STEPS * train.rows_per_step / max(rows, train.rows_per_step)) + 0.5
    passes *= _models_inside(method, options.get("method_options") or {})
    if has_adapter:  # nothing is computed for the gradients of weights that stay as they are
        seconds = _seconds(4.0 * weights * tokens * passes, width, inner)
    elif frozen:
        seconds = _seconds(_training_flops(weights * tokens, frozen / layers, train), width, inner)
    else:
        seconds = _seconds(6.0 * weights * tokens * passes, width, inner)
    if train.minutes is not None:
        seconds = (min(seconds[0], train.minutes * 60), min(seconds[1], train.minutes * 60))
    trained = 0 if has_adapter else weights * (layers - frozen) // layers if frozen else total
    memory = 4 * total + 12 * trained + 4 * _ACTIVATIONS * budget * (layers - frozen) * width + (500 << 20)
    few = ", of which few train" if has_adapter else ""
    note = (
        f"{method}: {total / 1e6:.1f}M weights{few}, {train.epochs:g} epoch{'s' if train.epochs != 1 else ''} at most"
    )
    if frozen and train.epochs > 1 and train.frozen_cache != "off":
        kept = tokens * width * (2 if train.frozen_cache == "bf16" else 4)
        note += f", {frozen} layers computed once and kept in {kept / 2**30:.2f} GiB on disk"
    return Estimated(rows, seconds, memory, note)


def _sizes(shape: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return width, inner width and layers of a model by its configuration, those of a decoder beside an encoder too.

    >>> _sizes({"d_model": 512, "d_ff": 2048, "num_layers": 6, "num_decoder_layers": 6, "is_encoder_decoder": True})
    (512, 2048, 12)
    """
    width = next(int(shape[key]) for key in ("hidden_size", "d_model", "n_embd") if shape.get(key))
    inner = next(
        (int(shape[key]) for key in ("intermediate_size", "d_ff", "encoder_ffn_dim") if shape.get(key)), 4 * width
    )
    own = ("num_hidden_layers", "num_layers", "encoder_layers", "n_layer")
    layers = next(int(shape[key]) for key in own if shape.get(key))
    if shape.get("is_encoder_decoder"):
        layers += int(shape.get("num_decoder_layers") or shape.get("decoder_layers") or layers)
    return width, inner, layers


def _models_inside(method: str, options: Mapping[str, Any]) -> int:
    """Return how many models a method trains one after another."""
    if method == "k_fold":
        return int(options.get("folds", 5)) * int(options.get("repeats", 1)) + (options.get("output") != "averaged")
    return int(options.get("rounds", 1)) + 1 if method == "self_training" else 1


def _num_classes(options: Mapping[str, Any]) -> int | None:
    """Return how many labels the first rows have; None for a task that is not one class a row, or without labels."""
    if not choose.has_class_of_plain_text(options.get("task") or build.DEFAULT_TASK):
        return None
    try:
        return len(set(first_values(options, "label"))) or None
    except DataError:
        return None


def _from_nothing(
    name: str, options: Mapping[str, Any], train: TrainOptions, rows: int, texts: Sequence[str]
) -> Estimated:
    """Estimate a network without pretraining from steps on the first texts."""
    from oreline.train.scratch import NewNetwork

    network = NewNetwork(name, options.get("start_options") or {})
    train = network.options_for(train)
    measured = network.trial(texts, train)
    seconds = measured.seconds(max(round(rows * train.epochs / train.rows_per_step), 1))
    if train.minutes is not None:
        seconds = min(seconds, train.minutes * 60)
    note = f"{network}: {train.epochs:g} epoch{'s' if train.epochs != 1 else ''} at most"
    slow_end = seconds * _TRIAL_SLOWER
    return Estimated(rows, (seconds, slow_end), measured.memory_bytes + (500 << 20), note)


def _linear(rows: int, texts: Sequence[str], note: str) -> Estimated:
    num_characters = sum(map(len, texts))
    if not num_characters:
        return Estimated(rows, note=note)
    begun = time.perf_counter()
    found: Counter[str] = Counter()
    for text in texts:
        found.update(text[start : start + length] for length in range(1, 6) for start in range(len(text)))
    counting_s = (time.perf_counter() - begun) / len(texts) * rows
    memory = (500 << 20) + int(_LINEAR_BYTES * num_characters / len(texts) * rows)
    return Estimated(rows, (counting_s * _LINEAR_FACTORS[0], counting_s * _LINEAR_FACTORS[1]), memory, note)


def _training_flops(weights_times_tokens: float, frozen: float, train: TrainOptions) -> float:
    """Return the operations of a run in which a share of the layers is frozen: forward only, once where it is kept."""
    passes = train.epochs if train.frozen_cache == "off" else min(train.epochs, 1)
    return weights_times_tokens * (6.0 * (1 - frozen) * train.epochs + 2.0 * frozen * passes)


def _seconds(flops: float, width: int, inner: int) -> tuple[float, float]:
    peak = _peak_flops(width, inner)
    return (flops / (peak * SHARES[0]), flops / (peak * SHARES[1]))


def _peak_flops(width: int, inner: int) -> float:
    """Measure a matrix product of the model's shape, fp32, in floating-point operations a second."""
    a, b = np.ones((1024, width), np.float32), np.ones((width, inner), np.float32)
    np.matmul(a, b)
    begun, done = time.perf_counter(), 0
    while (spent := time.perf_counter() - begun) < 0.2:
        np.matmul(a, b)
        done += 1
    return 2.0 * 1024 * width * inner * done / spent


def _mean_tokens(folder: Path, texts: Sequence[str], max_tokens: int) -> float:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    lengths = [min(len(encoding.ids), max_tokens) for encoding in tokenizer.encode_batch(list(texts))]
    return float(np.mean(lengths)) if lengths else 0.0
