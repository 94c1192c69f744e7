"""8-bit integers through ONNX Runtime: several graphs are built, the fastest that keeps its answers is kept."""

from __future__ import annotations

import contextlib
import logging
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions

from oreline.compress.export import export
from oreline.errors import OrelineError, UsageError
from oreline.runtime.batching import length_batches, pad
from oreline.runtime.onnx import has_vnni, open_session
from oreline.store import Artifact
from oreline.types import Encoded, Event, OnEvent

_MATRIX_OPS = ("MatMul", "Gemm", "Attention")
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """One graph and how fast it is."""

    name: str
    file: Path
    source: Path
    """The fp32 graph that it was quantised from."""
    rows_per_s: float


class Compression:
    """Dynamic quantisation to int8: weights per channel, activations as they come.

    Graphs from eager and from scaled-dot-product attention, with and without ONNX Runtime's fusions, are quantised and
    timed on this machine; the fastest is kept. Quantising after fusing and dynamically is what ONNX Runtime's manual
    advises for transformers. Without VNNI, weights take 7 bits, so that sums of products cannot saturate.

    Args:
        embeddings: quantise the embedding tables too, which is most of the size; undone where the gate refuses it.
        per_channel: one scale for each output of a matrix instead of one for the matrix.
        attention: forms of attention that are exported and measured, of `eager` and `sdpa`.
    """

    runtime = "onnx"
    precision = "int8"

    def __init__(
        self,
        *,
        embeddings: bool = True,
        per_channel: bool = True,
        attention: Sequence[str] = ("eager", "sdpa"),
    ) -> None:
        if unknown := set(attention) - {"eager", "sdpa"} or not attention:
            raise UsageError(f"unknown attention {unknown}", allowed="eager, sdpa")
        self.embeddings, self.per_channel, self.attention = embeddings, per_channel, tuple(attention)

    def compress(self, artifact: Artifact, sample: Encoded, work: Path, on_event: OnEvent) -> Iterator[Candidate]:
        """Yield the graphs to try, best first: with embeddings quantised, then without.

        Args:
            artifact: a torch artifact.
            sample: rows to time the graphs on.
            work: folder for graphs in progress.

        Raises:
            OrelineError: no graph can be exported.
        """
        timed = []
        for name, source in self._graphs(artifact, work, on_event):
            file = work / f"{name}.int8.onnx"
            with _quiet():
                self._quantise(source, file, _MATRIX_OPS)
            timed.append(Candidate(name, file, source, rows_per_s(file, sample)))
            on_event(Event("measure", len(timed), message=f"int8 graph {name}: {timed[-1].rows_per_s:,.0f} rows/s"))
        timed.sort(key=lambda candidate: -candidate.rows_per_s)
        best = timed[0]
        if self.embeddings:
            file = work / f"{best.name}.int8-embeddings.onnx"
            with _quiet():
                self._quantise(best.source, file, (*_MATRIX_OPS, "Gather"))
            yield Candidate(f"{best.name}, embeddings", file, best.source, rows_per_s(file, sample))
        yield best

    def describe(self) -> dict[str, Any]:
        """Return how weights are stored, for the manifest."""
        bits = 8 if has_vnni() else 7
        return {"quantization": "dynamic", "per_channel": self.per_channel, "weight_bits": bits}

    def _graphs(self, artifact: Artifact, work: Path, on_event: OnEvent) -> Iterator[tuple[str, Path]]:
        failures = []
        for attention in self.attention:
            file = work / f"{attention}.onnx"
            on_event(Event("export", message=f"exporting with {attention} attention"))
            try:
                export(artifact, file, attention=attention)
            except OrelineError as error:
                failures.append(error)
                continue
            yield attention, file
            fused = work / f"{attention}-fused.onnx"
            if fuse(file, fused):
                yield f"{attention}-fused", fused
        if len(failures) == len(self.attention):
            raise failures[0]

    def _quantise(self, source: Path, file: Path, operators: Sequence[str]) -> None:
        quantize_dynamic(
            str(source),
            str(file),
            op_types_to_quantize=list(operators),
            weight_type=QuantType.QInt8,
            per_channel=self.per_channel,
            reduce_range=not has_vnni(),
            # Fused nodes are of a domain that shape inference does not know; all their values are float.
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": TensorProto.FLOAT},
        )


def fuse(source: Path, file: Path) -> bool:
    """Fuse attention, layer norm and GELU where ONNX Runtime knows the pattern; returns whether anything was fused."""
    with _quiet():
        try:
            model = optimizer.optimize_model(
                str(source), model_type="bert", optimization_options=FusionOptions("bert"), opt_level=0, use_gpu=False
            )
        except Exception:  # a pattern that its fusions do not know: the graph as exported remains
            return False
        fused = sum(model.get_fused_operator_statistics().values())
        if fused:
            model.save_model_to_file(str(file))
    return bool(fused)


def rows_per_s(file: Path, sample: Encoded, *, token_budget: int = 2048) -> float:
    """Time a graph on encoded rows in batches of near-equal length; the median of three rounds after one to warm up."""
    session = open_session(file)
    lengths_N = np.asarray([len(ids) for ids in sample.ids], dtype=np.int64)
    batches = [pad([sample.ids[row] for row in rows], 0) for rows in length_batches(lengths_N, token_budget)]

    def once() -> None:
        for ids_BT, mask_BT in batches:
            session.run(["logits"], {"input_ids": ids_BT, "attention_mask": mask_BT})

    return len(lengths_N) / statistics.median(_seconds(once) for _ in range(_ROUNDS + 1))


def _seconds(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
