"""Predicting movie-review quotes with MiniLM-L6: this runtime against sentence-transformers and plain ONNX Runtime.

One model is fine-tuned and compressed once; then each variant predicts the same rows in a process of its own, in turn,
several times, with the default settings of its library. Seconds run from texts to answers, tokenising included.

* `sentence-transformers`: `encode` of the start model: the same encoder, but embeddings only, no labels.
* `transformers`: the fine-tuned model in torch, 32 rows a batch as they come, padded to the longest.
* `onnxruntime-fp32`: its fp32 graph in ONNX Runtime, the same batches.
* `onnxruntime-int8`: that graph through `quantize_dynamic` with its defaults, the same batches.
* `oreline-torch`, `oreline-fp32`, `oreline-int8`: the fine-tuned artifact, the compressed artifact's fp32 graph, and
  the compressed artifact.

The last column is the share of the limit: rows a second if all work were fp32 matrix products at the speed measured in
this run on the model's shapes. 8-bit products may pass it.

    python benchmarks/predict_cpu.py --rows 3000 --repeats 5
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from oreline.memory import peak_bytes

PEERS = ("sentence-transformers", "transformers", "onnxruntime-fp32", "onnxruntime-int8")
VARIANTS = (*PEERS, "oreline-torch", "oreline-fp32", "oreline-int8")
BASE = VARIANTS[0]
SEED = 0
MAX_TOKENS = 256
PEER_ROWS = 32
LATENCY_ROWS = 100
WIDTH, INNER, LAYERS = 384, 1536, 6
WEIGHTS = LAYERS * (4 * WIDTH * WIDTH + 2 * WIDTH * INNER)

Predict = Callable[[list[str]], np.ndarray]


def main() -> None:
    """Make the models, run all variants in turn and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--start", default="catalog:minilm-l6-en")
    parser.add_argument("--data", default="catalog:rotten-tomatoes")
    parser.add_argument("--pooling", default=None, choices=["first", "mean"], help="of the head; the start model's own")
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--work", type=Path, help="keep the models there and use them again")
    parser.add_argument("--json", type=Path, help="write the measurements there too")
    parser.add_argument("--child", choices=VARIANTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    if given.child:
        print(json.dumps(run_one(given.child, given.work, Path(given.start), given.rows)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        measured = measure(given, given.work or Path(scratch))
    if given.json:
        given.json.write_text(json.dumps(measured, indent=2), encoding="utf-8")
    print_table(given, measured)


def measure(given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Fine-tune and compress once, then run each variant in a process of its own, one after the other."""
    from oreline.api import names
    from oreline.train.precision import probe

    start = names.start_folder(given.start)
    make_models(work, given)
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in given.variants}
    speeds = []
    for repeat in range(given.repeats):
        speeds.append(probe(WIDTH, INNER, threads=_threads(), cache=work / f"probe{repeat}.json").fp32_gflops)
        (work / f"probe{repeat}.json").unlink(missing_ok=True)
        for name in given.variants:
            command = [sys.executable, __file__, "--child", name, "--work", str(work), "--start", str(start)]
            done = subprocess.run([*command, "--rows", str(given.rows)], check=True, stdout=subprocess.PIPE, text=True)
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"{name}: {runs[name][-1]}", file=sys.stderr, flush=True)
    return {"fp32_gflops": speeds, "runs": runs, "machine": machine()}


def make_models(work: Path, given: argparse.Namespace) -> None:
    """Refine, fine-tune for one epoch, compress, and write the peers' int8 graph."""
    import oreline as ore

    if (work / "int8").exists():
        return
    roles = {"text": "text", "label": "category", "group": "movie_name"}
    split = {"train": 0.6, "dev": 0.1, "test": 0.3}
    data = ore.refine(given.data, **roles, split=split, out=work / "data", seed=SEED, force=True)
    options = {"pooling": given.pooling} if given.pooling else {}
    train = {"epochs": 1, "max_tokens": MAX_TOKENS}
    made = {"method": "full", "method_options": options, "train": train, "seed": SEED, "force": True}
    model = ore.finetune(given.start, data, out=work / "torch", **made)
    watch = {"on_event": lambda event: print(event.message, file=sys.stderr) if event.message else None}
    ore.compress(model, data=data, out=work / "int8", seed=SEED, **watch)


def run_one(name: str, work: Path, start: Path, num_rows: int) -> dict[str, float]:
    """Predict the test rows with one variant in this process."""
    from oreline.data.dataset import Dataset

    test = Dataset.open(work / "data").frame("test", ["text", "label"]).sample(num_rows, seed=SEED)
    texts = test["text"].to_list()
    predict = PREDICT[name](work, start)
    predict(texts[:256])
    since = time.perf_counter()
    answers_NX = predict(texts)
    seconds = time.perf_counter() - since
    latency_ms = []
    for text in texts[:LATENCY_ROWS]:
        since = time.perf_counter()
        predict([text])
        latency_ms.append(1000 * (time.perf_counter() - since))
    measured = {"rows_per_s": round(num_rows / seconds, 1), "latency_ms": round(median(latency_ms), 2)}
    if name != BASE:
        labels = sorted(set(test["label"]))
        hits_N = answers_NX.argmax(axis=1) == np.asarray([labels.index(label) for label in test["label"]])
        measured["accuracy"] = round(float(hits_N.mean()), 4)
    return {**measured, "tokens": _mean_tokens(work, texts), "peak_mib": round(peak_bytes() / 2**20)}


def sentence_transformers(work: Path, start: Path) -> Predict:
    """Return the start model's `encode`."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(start), device="cpu")
    return lambda texts: np.asarray(model.encode(texts))


def transformers(work: Path, start: Path) -> Predict:
    """Return a loop over batches as they come through the fine-tuned model in torch."""
    import torch
    from transformers import AutoTokenizer

    from oreline.models.load import load_classifier

    tokenizer = AutoTokenizer.from_pretrained(work / "torch")
    model = load_classifier(work / "torch", 2).eval()

    def answer(texts: list[str]) -> np.ndarray:
        logits = []
        for first in range(0, len(texts), PEER_ROWS):
            batch = tokenizer(
                texts[first : first + PEER_ROWS],
                padding=True,
                truncation=True,
                max_length=MAX_TOKENS,
                return_token_type_ids=False,
                return_tensors="pt",
            )
            with torch.inference_mode():
                logits.append(model(**batch).logits.numpy())
        return np.concatenate(logits)

    return answer


def onnxruntime_fp32(work: Path, start: Path) -> Predict:
    """Return a loop over batches as they come through the fp32 graph."""
    return _plain_session(work / "int8" / "fallback.onnx", work)


def onnxruntime_int8(work: Path, start: Path) -> Predict:
    """Return the same loop through `quantize_dynamic` with its defaults."""
    from onnx import TensorProto
    from onnxruntime.quantization import quantize_dynamic

    file = work / "plain-int8.onnx"
    if not file.exists():
        # The default type only spares shape inference of fused operators, which it cannot do.
        quantize_dynamic(work / "int8" / "fallback.onnx", file, extra_options={"DefaultTensorType": TensorProto.FLOAT})
    return _plain_session(file, work)


def oreline_torch(work: Path, start: Path) -> Predict:
    """Return `predict` of the fine-tuned artifact."""
    from oreline.runtime.open import open_runtime

    runtime = open_runtime(work / "torch")
    return lambda texts: runtime.predict({"text": texts}).outputs["scores"]


def oreline_fp32(work: Path, start: Path) -> Predict:
    """Return `predict` of the compressed artifact's fp32 graph."""
    from oreline.runtime.onnx import Runtime
    from oreline.store import Artifact

    runtime = Runtime(Artifact.open(work / "int8"), fallback=True)
    return lambda texts: runtime.predict({"text": texts}).outputs["scores"]


def oreline_int8(work: Path, start: Path) -> Predict:
    """Return `predict` of the compressed artifact."""
    from oreline.runtime.open import open_runtime

    runtime = open_runtime(work / "int8")
    return lambda texts: runtime.predict({"text": texts}).outputs["scores"]


PREDICT: dict[str, Callable[[Path, Path], Predict]] = {
    "sentence-transformers": sentence_transformers,
    "transformers": transformers,
    "onnxruntime-fp32": onnxruntime_fp32,
    "onnxruntime-int8": onnxruntime_int8,
    "oreline-torch": oreline_torch,
    "oreline-fp32": oreline_fp32,
    "oreline-int8": oreline_int8,
}


def print_table(given: argparse.Namespace, measured: dict[str, Any]) -> None:
    """Print machine, versions and one row for each variant, as Markdown."""
    runs, gflops = measured["runs"], median(measured["fp32_gflops"])
    tokens = next(iter(runs.values()))[0]["tokens"]
    # 2 operations a weight and token; attention itself adds 2 % at this length.
    limit = gflops * 1e9 / (2 * WEIGHTS * tokens)
    print(f"{given.rows} rows of {tokens:.1f} tokens, {given.repeats} repeats; {measured['machine']};")
    print(f"fp32 products {gflops:.0f} GFLOP/s, a limit of {limit:.0f} rows/s")
    print()
    print(f"| | rows/s (lowest to highest) | x {BASE} | accuracy | latency of one row, ms | peak MiB | of the limit |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for name, found in runs.items():
        speeds = sorted(run["rows_per_s"] for run in found)
        print(
            f"| {name} | {median(speeds):.1f} ({speeds[0]:.1f} to {speeds[-1]:.1f}) | {_ratio(runs, name)} "
            f"| {found[0].get('accuracy', '')} | {median(run['latency_ms'] for run in found):.2f} "
            f"| {max(run['peak_mib'] for run in found):.0f} | {median(speeds) / limit:.0%} |"
        )


def machine() -> str:
    """Return processor, threads and versions in one line."""
    packages = ", ".join(
        f"{name} {version(name)}"
        for name in ("onnxruntime", "torch", "transformers", "sentence-transformers", "oreline")
    )
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{model or platform.processor()}, {_threads()} threads, {packages}, Python {platform.python_version()}"


def _plain_session(file: Path, work: Path) -> Predict:
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(work / "int8" / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding()
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])

    def answer(texts: list[str]) -> np.ndarray:
        logits = []
        for first in range(0, len(texts), PEER_ROWS):
            encodings = tokenizer.encode_batch(texts[first : first + PEER_ROWS])
            ids_BT = np.asarray([encoding.ids for encoding in encodings], np.int64)
            mask_BT = np.asarray([encoding.attention_mask for encoding in encodings], np.int64)
            logits.append(session.run(["logits"], {"input_ids": ids_BT, "attention_mask": mask_BT})[0])
        return np.concatenate(logits)

    return answer


def _ratio(runs: dict[str, list[dict[str, float]]], name: str) -> str:
    """Return the median of the ratios within each repeat, with their spread: runs of one repeat are neighbours."""
    if BASE not in runs or name == BASE:
        return ""
    ratios = sorted(ours["rows_per_s"] / theirs["rows_per_s"] for ours, theirs in zip(runs[name], runs[BASE]))
    return f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def _mean_tokens(work: Path, texts: list[str]) -> float:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(work / "int8" / "tokenizer.json"))
    tokenizer.no_padding()
    return round(sum(len(encoding.ids) for encoding in tokenizer.encode_batch(texts)) / len(texts), 2)


def _threads() -> int:
    import torch

    return torch.get_num_threads()


if __name__ == "__main__":
    main()
