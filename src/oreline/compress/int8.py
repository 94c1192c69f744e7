"""8-bit integers through ONNX Runtime: several graphs are built, the fastest that keeps its answers is kept."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions

from oreline.compress.export import export, quiet
from oreline.errors import OrelineError, UsageError
from oreline.runtime.batching import length_batches, pad
from oreline.runtime.onnx import Runtime, has_vnni, open_session, usable_cores
from oreline.store import Artifact
from oreline.types import Encoded, Event, OnEvent

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRAPHS = ("eager", "eager-fused", "sdpa", "sdpa-fused")
"""The form in which attention is traced, without and with ONNX Runtime's fusions."""
_MATRIX_OPS = ("MatMul", "Gemm", "Attention", "LSTM")
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """One graph to be judged."""

    name: str
    file: Path
    source: Path
    """The fp32 graph that it was quantised from."""
    resolved: dict[str, Any]
    """Options that make the same graph again without measuring."""


class Compression:
    """Dynamic quantisation to int8: weights per channel, activations as they come.

    Graphs from eager and from scaled-dot-product attention, with and without ONNX Runtime's fusions, are quantised and
    timed on this machine; the fastest is kept. Quantising after fusing and dynamically is what ONNX Runtime's manual
    advises for transformers. Without VNNI, weights take 7 bits, so that sums of products cannot saturate.

    Args:
        embeddings: quantise the embedding tables too, which is most of the size; undone where the gate refuses it.
        per_channel: one scale for each output of a matrix instead of one for the matrix.
        graphs: which are built and measured; a single one is not measured.
    """

    runtime = "onnx"
    precision = "int8"

    def __init__(self, *, embeddings: bool = True, per_channel: bool = True, graphs: Sequence[str] = GRAPHS) -> None:
        if unknown := sorted(set(graphs) - set(GRAPHS)) or not graphs:
            raise UsageError(f"unknown graphs {unknown}" if graphs else "no graph", allowed=", ".join(GRAPHS))
        self.embeddings, self.per_channel, self.graphs = embeddings, per_channel, tuple(graphs)

    def compress(self, artifact: Artifact, sample: Encoded, work: Path, on_event: OnEvent) -> Iterator[Candidate]:
        """Yield the graphs to try: the fastest with embeddings quantised, then the same without.

        Args:
            artifact: a torch artifact.
            sample: rows to time the graphs on.
            work: folder for graphs in progress.

        Raises:
            OrelineError: no graph can be exported.
        """
        timed = []
        for name, source in self._graphs(artifact, work, on_event):
            file = self._quantised(name, source, embeddings=self.embeddings)
            speed = rows_per_s(file, sample) if len(self.graphs) > 1 else 0.0
            timed.append((speed, name, file, source))
            if speed:
                on_event(Event("measure", len(timed), message=f"int8 graph {name}: {speed:,.0f} rows/s"))
        _, name, file, source = max(timed)
        resolved = {"graphs": [name]}
        yield Candidate(f"{name}, embeddings" if self.embeddings else name, file, source, resolved)
        if self.embeddings:
            plain = self._quantised(name, source, embeddings=False)
            yield Candidate(name, plain, source, {**resolved, "embeddings": False})

    def describe(self) -> dict[str, Any]:
        """Return how weights are stored, for the manifest."""
        bits = 8 if has_vnni() else 7
        return {"quantization": "dynamic", "per_channel": self.per_channel, "weight_bits": bits}

    def _graphs(self, artifact: Artifact, work: Path, on_event: OnEvent) -> Iterator[tuple[str, Path]]:
        failures: list[OrelineError] = []
        num_made = 0
        for attention in ("eager", "sdpa"):
            plain, fused = attention, f"{attention}-fused"
            if not {plain, fused} & set(self.graphs):
                continue
            file = work / f"{plain}.onnx"
            on_event(Event("export", message=f"exporting with {attention} attention"))
            try:
                export(artifact, file, attention=attention)
            except OrelineError as error:
                failures.append(error)
                continue
            made = [(plain, file)] if plain in self.graphs else []
            if fused in self.graphs and fuse(file, work / f"{fused}.onnx"):
                made.append((fused, work / f"{fused}.onnx"))
            num_made += len(made)
            yield from made
        if not num_made:
            raise (
                failures[0]
                if failures
                else OrelineError("ONNX Runtime knows no fusion for this architecture", remedy="graphs: [eager, sdpa]")
            )

    def _quantised(self, name: str, source: Path, *, embeddings: bool) -> Path:
        file = source.with_name(f"{name}.int8{'-embeddings' if embeddings else ''}.onnx")
        with quiet():
            quantize_dynamic(
                str(source),
                str(file),
                op_types_to_quantize=[*_MATRIX_OPS, *(["Gather"] if embeddings else [])],
                weight_type=QuantType.QInt8,
                per_channel=self.per_channel,
                reduce_range=not has_vnni(),
                # Fused nodes are of a domain that shape inference does not know; all their values are float.
                extra_options={"MatMulConstBOnly": True, "DefaultTensorType": TensorProto.FLOAT},
            )
        return file


def fuse(source: Path, file: Path) -> bool:
    """Fuse attention, layer norm and GELU where ONNX Runtime knows the pattern; returns whether anything was fused."""
    with quiet():
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


def rows_per_s(file: Path, sample: Encoded, *, token_budget: int = Runtime.token_budget) -> float:
    """Time a graph as many rows are predicted, one batch a core; the median of three rounds after one to warm up."""
    session = open_session(file, threads=1)
    lengths_N = np.asarray([len(ids) for ids in sample.ids], dtype=np.int64)
    batches = [pad([sample.ids[row] for row in rows], 0) for rows in length_batches(lengths_N, token_budget)]
    more = {entry.name for entry in session.get_inputs()} - {"input_ids", "attention_mask"}

    def run(batch: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
        beside = {name: np.zeros_like(batch[0][:, :2] if name == "places" else batch[0]) for name in more}
        session.run(["logits"], {"input_ids": batch[0], "attention_mask": batch[1], **beside})

    with ThreadPoolExecutor(usable_cores()) as pool:
        return len(lengths_N) / statistics.median(
            _seconds(lambda: list(pool.map(run, batches))) for _ in range(_ROUNDS + 1)
        )


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
