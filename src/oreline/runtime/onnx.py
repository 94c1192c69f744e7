"""Predict with ONNX Runtime: NumPy, tokenizers and onnxruntime, no torch, no transformers.

An int8 graph is bound to the processor flags that it was checked on: without VNNI instructions, 8-bit products can
saturate in 16-bit sums, and the same file gives other answers. Where a recorded flag is missing, the fp32 graph that
the artifact carries is loaded in its place.

Shape suffixes: N rows, B rows of one batch, T tokens, D width, K classes.
"""

from __future__ import annotations

import copy
import functools
import logging
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from oreline.errors import ArtifactError
from oreline.models.tokenizing import tokenizer
from oreline.runtime.batching import pad, predict_in_batches
from oreline.runtime.open import open_task
from oreline.runtime.windows import answered
from oreline.types import Columns, Encoded, Predictions

if TYPE_CHECKING:
    from oreline.store import Artifact

MODEL = "model.onnx"
FALLBACK = "fallback.onnx"
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")
"""Processor flags that change how 8-bit products are computed."""
UNFUSED = ["SkipLayerNormFusion"]
"""ONNX Runtime's fused addition and layer norm is several times slower on a CPU than the two operators apart."""
SIDE_BY_SIDE_ROWS = 256
"""From so many rows on, each core runs batches of its own: a third faster than all cores in one batch, but a second
session has to be opened, and a single row waits longer."""
_LOG = logging.getLogger(__name__)


class Runtime:
    """Predicts with an ONNX graph that takes ids, mask and what more its task needs; returns logits and embedding."""

    token_budget = 512  # the activations of a small encoder then stay in the second-level cache

    def __init__(self, artifact: Artifact, *, threads: int | None = None, fallback: bool = False) -> None:
        """Load the graph that this processor can be trusted with.

        Args:
            artifact: an ONNX artifact.
            threads: CPU threads; all cores when None.
            fallback: load the fp32 graph whatever the processor.

        Raises:
            ArtifactError: the graph cannot be loaded, or the fp32 graph is needed and missing.
        """
        self.artifact = artifact
        self.task = open_task(artifact)
        extra = artifact.manifest.extra
        lacking = sorted(set(extra.get("processor_flags", [])) - set(processor_flags()))
        if lacking and not fallback:
            _LOG.warning("this processor lacks %s, on which the int8 model was checked: fp32 is used", lacking)
        self.is_fallback = fallback or bool(lacking)
        self.precision = "fp32" if self.is_fallback else str(extra.get("precision", "fp32"))
        self._pad_id = int(extra.get("pad_id", 0))
        self._tokenizer = tokenizer(artifact.file("tokenizer.json").parent)
        self._threads = threads or usable_cores()
        self._file = artifact.file(FALLBACK if self.is_fallback else MODEL)
        self._session = open_session(self._file, self._threads)
        self._takes = {entry.name for entry in self._session.get_inputs()}

    def encode(self, columns: Columns) -> Encoded:
        """Tokenise rows, cut to the length the model was trained with."""
        return self.task.encode(columns, self._tokenizer, self.artifact.manifest.max_tokens)

    def forward(self, encoded: Encoded, *, embeddings: bool = False) -> Predictions:
        """Run one batch: `scores` of each row, or of each of its words, and the embedding (B, D) where asked."""
        return answered(self, encoded, self._run, embeddings=embeddings)

    def _run(self, encoded: Encoded, *, embeddings: bool) -> tuple[Any, Any]:
        """Return the graph's logits, and its embeddings where asked."""
        # ONNX Runtime is given one row at least: some kernels do not take none.
        ids_BT, mask_BT = pad(encoded.ids or [np.zeros(1, np.int32)], self._pad_id)
        inputs = {"input_ids": ids_BT, "attention_mask": mask_BT}
        if "token_type_ids" in self._takes:
            inputs["token_type_ids"] = (
                pad(encoded.segments, 0)[0] if encoded.segments is not None else np.zeros_like(ids_BT)
            )
        if "places" in self._takes:
            inputs["places"] = np.asarray(encoded.places or np.zeros((1, 2)), dtype=np.int64)
        names = ["logits", "embedding"] if embeddings else ["logits"]
        logits, *rest = (part[: len(encoded.ids)] for part in self._session.run(names, inputs))
        return logits, rest[0] if rest else None

    def predict(self, columns: Columns, *, embeddings: bool = False) -> Predictions:
        """Run any number of rows: sorted by length, cut into batches by token budget, restored to order."""
        many = len(next(iter(columns.values()), ())) >= SIDE_BY_SIDE_ROWS
        if many and self._threads > 1:
            return predict_in_batches(self._narrow, columns, embeddings=embeddings, side_by_side=self._threads)
        return predict_in_batches(self, columns, embeddings=embeddings)

    @functools.cached_property
    def _narrow(self) -> Runtime:
        """The same model with one thread in a batch."""
        narrow = copy.copy(self)
        narrow._session = open_session(self._file, threads=1)
        return narrow


def open_session(file: Path, threads: int | None = None) -> Any:
    """Open a graph on the CPU. Raises `ArtifactError` when ONNX Runtime refuses it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or usable_cores()
    options.log_severity_level = 3
    # Shapes change with every batch: planning memory for each of them costs more than it saves.
    options.enable_mem_pattern = False
    try:
        return onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"], disabled_optimizers=UNFUSED
        )
    except Exception as error:  # ONNX Runtime raises types of its own for each fault, none of them public
        reason = str(error).split("\n", 1)[0][:200]
        raise ArtifactError(f"ONNX Runtime cannot load the graph: {reason}", where=str(file)) from error


def processor_flags() -> list[str]:
    """Return the flags of this processor that change how 8-bit products are computed, with its architecture."""
    found = {platform.machine()}
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return sorted(found)  # not Linux: the architecture is all we know
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith(("flags", "Features"))), [])
    return sorted(found | (set(FLAGS) & set(flags)))


def usable_cores() -> int:
    """Return the cores this process may use (a container may be given fewer than the machine has)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def has_vnni() -> bool:
    """Whether 8-bit products are summed in 32 bits by one instruction, so that they cannot saturate."""
    return bool({"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"} & set(processor_flags()))
