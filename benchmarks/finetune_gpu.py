"""Fine-tuning a BERT-base shape on one GPU: this loop against the Hugging Face Trainer.

110M parameters (12 layers, 768 wide), new weights, rows of 512 tokens drawn from the vocabulary, 32 rows a step, one
epoch: speed alone is measured, and it does not depend on what the weights know. Each run is a process of its own, in
turn, several times. Peers:

* `trainer-defaults`: `TrainingArguments` as they are (fp32).
* `trainer-best`: bf16 under autocast, fused AdamW.
* `oreline`: `finetune`, as a user would.

The last column is the share of the limit: the bf16 products of the model's shapes at the speed measured in this run.

    python benchmarks/finetune_gpu.py --rows 3200 --repeats 3
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

VARIANTS = ("trainer-defaults", "trainer-best", "oreline")
WIDTH, INNER, LAYERS, TOKENS = 768, 3072, 12, 512
WEIGHTS = LAYERS * (4 * WIDTH * WIDTH + 2 * WIDTH * INNER)
ATTENTION = LAYERS * 2 * 2 * TOKENS * WIDTH
"""Operations a token of a forward pass that attention adds to the products with weights."""


def main() -> None:
    """Run all variants in turn and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--start", default="catalog:minilm-l6-en", help="folder whose tokenizer is used")
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--json", type=Path, help="write the measurements there too")
    parser.add_argument("--child", nargs=2, metavar=("VARIANT", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch

    if not torch.cuda.is_available():
        print("skipped: there is no GPU", file=sys.stderr)
        return
    if given.child:
        print(json.dumps(run_one(given.child[0], Path(given.child[1]))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        measured = measure(given, Path(scratch))
    if given.json:
        given.json.write_text(json.dumps(measured, indent=2), encoding="utf-8")
    print_table(given, measured)


def measure(given: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Make model and rows once, then run each variant in a process of its own, one after the other, several times."""
    from oreline.api import names
    from oreline.train.precision import probe

    make_start(names.start_folder(given.start), scratch / "start")
    make_rows(scratch / "start", given.rows, scratch / "rows.json")
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in given.variants}
    gflops = []
    for repeat in range(given.repeats):
        measured = probe(WIDTH, INNER, threads=1, device="cuda", cache=scratch / f"probe{repeat}.json")
        gflops.append(measured.bf16_gflops)
        for name in given.variants:
            command = [sys.executable, __file__, "--child", name, str(scratch)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"{name}: {runs[name][-1]}", file=sys.stderr, flush=True)
    return {"bf16_gflops": gflops, "runs": runs}


def make_start(tokenizer: Path, folder: Path) -> None:
    """Write a BERT-base model with new weights, and a tokenizer with its vocabulary."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    torch.manual_seed(0)
    opened = AutoTokenizer.from_pretrained(tokenizer)
    BertModel(BertConfig(vocab_size=len(opened), max_position_embeddings=TOKENS)).save_pretrained(folder)
    opened.save_pretrained(folder)


def make_rows(folder: Path, num_rows: int, file: Path) -> None:
    """Write rows of whole words, each longer than the model takes, so that all are cut to the same length."""
    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    words = [word for word in vocabulary if word.isascii() and word.isalpha()]
    source = np.random.default_rng(0)
    texts = [" ".join(source.choice(words, size=TOKENS)) for _ in range(num_rows)]
    file.write_text(json.dumps({"text": texts, "label": ["no", "yes"] * (num_rows // 2)}), encoding="utf-8")


def run_one(name: str, folder: Path) -> dict[str, float]:
    """Train one variant in this process; rows a second are those that it reports."""
    import torch

    rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    speed = run_oreline(folder, rows) if name == "oreline" else run_trainer(name, folder, rows)
    return {"rows_per_s": round(speed, 1), "peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2)}


def run_oreline(folder: Path, rows: dict[str, list[str]]) -> float:
    """Train with `finetune`; steps only, no evaluation, since there are no dev rows."""
    import oreline as ore

    with tempfile.TemporaryDirectory() as scratch:
        data = ore.refine(rows, operators=[], split={}, out=Path(scratch) / "data")
        train = {"epochs": 1, "max_tokens": TOKENS, "rows_per_step": 32, "learning_rate": 5e-5}
        model = ore.finetune(
            str(folder / "start"), data, task="text_classification", method="full", train=train,
            method_options={"pooling": "first"}, out=Path(scratch) / "model",
        )  # fmt: skip
        return float(model.measurements()["rows_per_s"])


def run_trainer(name: str, folder: Path, rows: dict[str, list[str]]) -> float:
    """Train with the Hugging Face Trainer."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments
    from transformers.utils import logging

    logging.set_verbosity_error()
    tokenizer = AutoTokenizer.from_pretrained(folder / "start")
    encoded = tokenizer(rows["text"], truncation=True, max_length=TOKENS)
    dataset = [
        {**{key: values[row] for key, values in encoded.items()}, "labels": int(label == "yes")}
        for row, label in enumerate(rows["label"])
    ]
    best = {"bf16": True, "optim": "adamw_torch_fused"} if name == "trainer-best" else {}
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch, num_train_epochs=1, per_device_train_batch_size=32, learning_rate=5e-5,
            report_to="none", save_strategy="no", disable_tqdm=True, **best,
        )  # fmt: skip
        trainer = Trainer(
            model=AutoModelForSequenceClassification.from_pretrained(folder / "start", num_labels=2),
            args=arguments, train_dataset=dataset, processing_class=tokenizer,
        )  # fmt: skip
        return float(trainer.train().metrics["train_samples_per_second"])


def print_table(given: argparse.Namespace, measured: dict[str, Any]) -> None:
    """Print card, versions and one row for each variant, as Markdown."""
    import torch

    gflops = median(measured["bf16_gflops"])
    limit = gflops * 1e9 / (3 * TOKENS * (2 * WEIGHTS + ATTENTION))
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers"))
    print(f"{torch.cuda.get_device_name()}, {packages}; {given.rows} rows of {TOKENS} tokens, {given.repeats} repeats;")
    print(f"bf16 products {gflops / 1000:.0f} TFLOP/s, a limit of {limit:.0f} rows/s")
    print()
    print("| | rows/s (lowest to highest) | x defaults | x best | peak GiB | of the limit |")
    print("|---|---|---:|---:|---:|---:|")
    medians = {name: median(run["rows_per_s"] for run in found) for name, found in measured["runs"].items()}
    for name, found in measured["runs"].items():
        speeds = sorted(run["rows_per_s"] for run in found)
        ratios = [f"{medians[name] / medians[peer]:.2f}" if peer in medians else "" for peer in VARIANTS[:2]]
        print(
            f"| {name} | {medians[name]:.0f} ({speeds[0]:.0f} to {speeds[-1]:.0f}) | {ratios[0]} | {ratios[1]} "
            f"| {max(run['peak_gib'] for run in found):.1f} | {medians[name] / limit:.0%} |"
        )


if __name__ == "__main__":
    main()
