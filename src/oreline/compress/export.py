"""Export a fine-tuned encoder to ONNX: ids and mask in, with the types of tokens where there are two texts and the
places of two marks where these are read; logits and embedding out.

Shape suffixes: B rows of one batch, T tokens, D width, K classes.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from oreline.errors import OrelineError
from oreline.models.adapted import open_classifier
from oreline.models.adapting import adapter_of, fold
from oreline.models.attention import use_short_attention
from oreline.models.masked_choice import MaskedChoice
from oreline.models.network import MODEL_TYPE
from oreline.models.pooling import MARKS, PooledClassifier, PooledEncoder, mean_over_tokens
from oreline.runtime.open import open_task
from oreline.store import Artifact

OPSET = 20
BY_TOKEN = ("token_classification", "question_answering")
"""Heads that answer tokens, not rows."""
_POOLED = (PooledClassifier, PooledEncoder, MaskedChoice)
"""Modules around an encoder that return the vector they read."""
_OUTPUTS = {"out_logits": "logits", "out_embedding": "embedding"}


class _Graph(nn.Module):
    """What is exported: the classifier or tagger, with the vector of each text as a second output."""

    def __init__(self, model: Any, *, by_token: bool) -> None:
        super().__init__()
        self.model, self.by_token = model, by_token

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None = None,
        places: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        more = {"token_type_ids": token_type_ids, "places": places}
        given = {"input_ids": input_ids, "attention_mask": attention_mask}
        given |= {name: tensor for name, tensor in more.items() if tensor is not None}
        if isinstance(self.model, _POOLED):
            output = self.model(**given)
            return output.logits, output.pooled
        output = self.model(**given, output_hidden_states=True)
        last_BTD = output.hidden_states[-1]
        return output.logits, mean_over_tokens(last_BTD, attention_mask) if self.by_token else last_BTD[:, 0]


def export(artifact: Artifact, file: Path, *, attention: str) -> None:
    """Write an fp32 graph with free batch size and length.

    Args:
        artifact: a torch artifact.
        file: the graph to write.
        attention: `eager` or `sdpa`, the form in which attention is traced.

    Raises:
        OrelineError: the exporter cannot trace the model.
    """
    task = open_task(artifact)
    # Through the head's plug the module would be prepared for training; the exporter wants transformers' own.
    by_token = task.head in BY_TOKEN
    pooling = "vector" if task.head == "embedding" else "token" if by_token else None
    model = open_classifier(artifact.path, len(task.labels), pooling=pooling)
    if (adapter := adapter_of(model)) is not None and adapter.merges:
        fold(model)
    inner = model.encoder if isinstance(model, _POOLED) else model
    _choose_attention(inner, attention, artifact)
    given = _inputs(inner.config, artifact.manifest.max_tokens, has_types=len(task.inputs) > 1)
    if getattr(model, "pooling", None) == MARKS:
        given["places"] = torch.tensor([[1, 2], [0, 3], [2, 1]])
    batch = torch.export.Dim("B", min=1, max=65536)
    length = torch.export.Dim("T", min=1, max=artifact.manifest.max_tokens)
    with quiet():
        try:
            program = torch.onnx.export(
                _Graph(model, by_token=by_token).eval(),
                kwargs=given,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(given),
                output_names=list(_OUTPUTS),
                dynamic_shapes={name: {0: batch} if name == "places" else {0: batch, 1: length} for name in given},
                external_data=False,
                verbose=False,
            )
        except Exception as error:  # the exporter raises many kinds, all meaning the same to the user
            raise OrelineError(
                f"torch cannot export this architecture with {attention} attention: {str(error).splitlines()[0]}",
                where=str(artifact.path),
                remedy="serve the torch artifact as it is",
            ) from error
        if program is None:
            raise OrelineError("torch exported nothing", where=str(artifact.path))
        program.save(str(file))
    if inner.config.model_type == MODEL_TYPE:
        _fold_constants(file)
    _rename_outputs(file)


def _inputs(config: Any, max_tokens: int, *, has_types: bool) -> dict[str, Tensor]:
    """Return a batch to trace with; token types are an input where rows have two texts and the model knows types."""
    # An LSTM is traced token by token on the way to its one operator.
    rows, width = 3, min(4 if config.model_type == MODEL_TYPE else 11, max_tokens)
    ids_BT = torch.randint(1, min(1000, int(config.vocab_size)), (rows, width))
    mask_BT = torch.ones_like(ids_BT)
    mask_BT[1, width // 2 :] = 0  # so that the mask is not traced away as all ones
    given = {"input_ids": ids_BT, "attention_mask": mask_BT}
    if has_types and int(getattr(config, "type_vocab_size", 0) or 0) > 1:
        given["token_type_ids"] = torch.zeros_like(ids_BT)
        given["token_type_ids"][:, width // 2 :] = 1
    return given


def _choose_attention(inner: Any, attention: str, artifact: Artifact) -> None:
    """Set the form in which attention is traced; a prefix is known to the project's own only, which is sdpa inside.

    Raises `OrelineError` for a form that would be the same graph again, or none.
    """
    if inner.config.model_type == MODEL_TYPE:
        if attention != "eager":
            raise OrelineError("a network without attention has one graph", where=str(artifact.path), allowed="eager")
        return
    if not hasattr(inner.base_model, "prefix"):
        inner.set_attn_implementation(attention)
        return
    if attention != "sdpa":
        raise OrelineError(
            f"a prefix cannot be exported with {attention} attention", where=str(artifact.path), allowed="sdpa"
        )
    use_short_attention(inner)


def _fold_constants(file: Path) -> None:
    """Compute what depends on weights alone: the exporter turns those of an LSTM into ONNX' order in every call."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(file)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _rename_outputs(file: Path) -> None:
    """Name the outputs `logits` and `embedding`; the exporter may have given that name to another value."""
    model = onnx.load(str(file))
    taken = {name: f"{name}_inner" for name in _OUTPUTS.values()}
    names = {**taken, **_OUTPUTS}
    for node in model.graph.node:
        for values in (node.input, node.output):
            for index, value in enumerate(values):
                if value in names:
                    values[index] = names[value]
    for entry in (*model.graph.output, *model.graph.initializer):
        entry.name = names.get(entry.name, entry.name)
    del model.graph.value_info[:]
    onnx.save(model, str(file))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporter and its like, which warn of their own internals."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
