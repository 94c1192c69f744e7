"""Fine-tuning MiniLM-L6 on movie-review quotes: this loop against the Hugging Face Trainer.

Same start model, rows, epochs, rows a step, learning rate and seed; each run in a process of its own, in turn, several
times. Peers:

* `trainer-defaults`: `TrainingArguments` as they are (padded to the longest row of each random batch).
* `trainer-best`: length grouping, fused AdamW, and bf16 where this machine multiplies bf16 faster.
* `oreline-first`: this loop with transformers' own classification head, the model that the Trainer trains.
* `oreline-mean`: this loop with the head that it chooses for this start model (the mean of the last states).

The last column is the share of the limit: rows a second if all work were matrix products at the speed measured in this
run on the model's shapes. `oreline-first` computes its last layer for the first token only, so it may pass the limit of
the whole model.

    python benchmarks/finetune_cpu.py --rows 3000 --repeats 3
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
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from oreline.memory import peak_bytes

VARIANTS = ("trainer-defaults", "trainer-best", "oreline-first", "oreline-mean")
SEED = 0
MAX_TOKENS = 256
WIDTH, INNER, LAYERS = 384, 1536, 6
WEIGHTS = LAYERS * (4 * WIDTH * WIDTH + 2 * WIDTH * INNER)


def main() -> None:
    """Run all variants in turn and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--start", default="catalog:minilm-l6-en")
    parser.add_argument("--data", default="catalog:rotten-tomatoes")
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--json", type=Path, help="write the measurements there too")
    parser.add_argument("--child", choices=VARIANTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    if given.child:
        print(json.dumps(run_one(given.child, Path(given.start), Path(given.data), given.rows, given.learning_rate)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        measured = measure(given, Path(scratch))
    if given.json:
        given.json.write_text(json.dumps(measured, indent=2), encoding="utf-8")
    print_table(given, measured)


def measure(given: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Refine the data once, then run each variant in a process of its own, one after the other, several times."""
    import oreline as ore
    from oreline.api import names
    from oreline.train.precision import probe

    start = names.start_folder(given.start)
    roles = {"text": "text", "label": "category", "group": "movie_name"}
    split = {"train": 0.8, "dev": 0.1, "test": 0.1}
    data = ore.refine(given.data, **roles, split=split, out=scratch / "data", seed=SEED)
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in given.variants}
    speeds = []
    for repeat in range(given.repeats):
        speeds.append(probe(WIDTH, INNER, threads=_threads(), cache=scratch / f"probe{repeat}.json").fp32_gflops)
        for name in given.variants:
            command = [sys.executable, __file__, "--child", name, "--start", str(start), "--data", str(data.path)]
            command += ["--rows", str(given.rows), "--learning-rate", str(given.learning_rate)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"{name}: {runs[name][-1]}", file=sys.stderr, flush=True)
    return {"fp32_gflops": speeds, "runs": runs, "machine": machine()}


def run_one(name: str, start: Path, data: Path, num_rows: int, rate: float) -> dict[str, float]:
    """Train and test one variant in this process."""
    from oreline.data.dataset import Dataset

    opened = Dataset.open(data)
    train = opened.frame("train", ["row_id", "text", "label"]).sample(num_rows, seed=SEED)
    test = opened.frame("test", ["text", "label"])
    run = run_oreline if name.startswith("oreline") else run_trainer
    since = time.process_time()
    measured = run(name, start, opened, (train, test), rate)
    cpu_s, peak_mib = round(time.process_time() - since, 1), round(peak_bytes() / 2**20)
    return {**measured, "cpu_s": cpu_s, "peak_mib": peak_mib}


def run_oreline(name: str, start: Path, data: Any, frames: tuple[Any, Any], rate: float) -> dict[str, float]:
    """Train with `finetune`, as a user would; rows a second are those it reports (steps only, no evaluation)."""
    from oreline.evaluate.estimates import point_values
    from oreline.recipe import TrainOptions
    from oreline.runtime.open import open_runtime
    from oreline.train.finetune import finetune

    train, test = frames
    options = TrainOptions(
        epochs=1, learning_rate=rate, warmup=0, weight_decay=0, max_tokens=MAX_TOKENS, evaluations_per_epoch=1
    )
    with tempfile.TemporaryDirectory() as scratch:
        model = finetune(
            start,
            data,
            task="text_classification",
            method="full",
            method_options={"pooling": name.removeprefix("oreline-")},
            options=options,
            out=Path(scratch) / "model",
            seed=SEED,
            score=point_values,
            rows=train,
        )
        runtime = open_runtime(model)
        outputs = runtime.predict({"text": test["text"].to_list()}).outputs
        targets_N = runtime.task.encode_target(test["label"].to_list())
        return {
            "rows_per_s": round(float(model.measurements()["rows_per_s"]), 2),
            "accuracy": round(point_values(runtime.task, targets_N, outputs)["accuracy"], 4),
        }


def run_trainer(name: str, start: Path, data: Any, frames: tuple[Any, Any], rate: float) -> dict[str, float]:
    """Train with the Hugging Face Trainer; rows a second are those it reports."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments, set_seed
    from transformers.utils import logging

    from oreline.train.precision import probe

    logging.set_verbosity_error()
    set_seed(SEED)
    train, test = frames
    tokenizer = AutoTokenizer.from_pretrained(start)
    labels = sorted(set(train["label"]))
    model = AutoModelForSequenceClassification.from_pretrained(start, num_labels=len(labels))
    best: dict[str, Any] = {}
    if name == "trainer-best":
        bf16 = probe(WIDTH, INNER, threads=_threads()).best_precision == "bf16"
        best = {"train_sampling_strategy": "group_by_length", "optim": "adamw_torch_fused", "bf16": bf16}
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch,
            num_train_epochs=1,
            per_device_train_batch_size=32,
            per_device_eval_batch_size=64,
            learning_rate=rate,
            seed=SEED,
            use_cpu=True,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            **best,
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=_encoded(train, labels, tokenizer),
            processing_class=tokenizer,
        )
        speed = trainer.train().metrics["train_samples_per_second"]
        predicted = trainer.predict(_encoded(test, labels, tokenizer))
    hits = predicted.predictions.argmax(axis=-1) == predicted.label_ids
    return {"rows_per_s": round(float(speed), 2), "accuracy": round(float(hits.mean()), 4)}


def print_table(given: argparse.Namespace, measured: dict[str, Any]) -> None:
    """Print machine, versions and one row for each variant, as Markdown."""
    runs, gflops = measured["runs"], median(measured["fp32_gflops"])
    # 6 operations a weight and token, forward and backward; attention itself adds 2 % at this length.
    limit = gflops * 1e9 / (6 * WEIGHTS * 27)
    print(f"{given.rows} rows, 1 epoch, 32 rows a step, learning rate {given.learning_rate}, {given.repeats} repeats;")
    print(f"{measured['machine']}; fp32 products {gflops:.0f} GFLOP/s, a limit of {limit:.0f} rows/s at 27 tokens")
    print()
    print("| | rows/s (lowest to highest) | x defaults | x best | test accuracy | peak MiB | of the limit |")
    print("|---|---|---:|---:|---|---:|---:|")
    medians = {name: median(run["rows_per_s"] for run in found) for name, found in runs.items()}
    for name, found in runs.items():
        speeds = sorted(run["rows_per_s"] for run in found)
        ratios = [_ratio(runs, name, peer) for peer in ("trainer-defaults", "trainer-best")]
        accuracy = " ".join(f"{run['accuracy']:.4f}" for run in found)
        print(
            f"| {name} | {medians[name]:.1f} ({speeds[0]:.1f} to {speeds[-1]:.1f}) | {ratios[0]} | {ratios[1]} "
            f"| {accuracy} | {max(run['peak_mib'] for run in found):.0f} | {medians[name] / limit:.0%} |"
        )


def machine() -> str:
    """Return processor, threads and versions in one line."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "oreline"))
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{model or platform.processor()}, {_threads()} threads, {packages}, Python {platform.python_version()}"


def _ratio(runs: dict[str, list[dict[str, float]]], name: str, peer: str) -> str:
    """Return the median of the ratios within each repeat, with their spread: runs of one repeat are neighbours."""
    if peer not in runs or name == peer:
        return ""
    ratios = sorted(ours["rows_per_s"] / theirs["rows_per_s"] for ours, theirs in zip(runs[name], runs[peer]))
    return f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def _encoded(frame: Any, labels: list[str], tokenizer: Any) -> list[dict[str, Any]]:
    encoded = tokenizer(frame["text"].to_list(), truncation=True, max_length=MAX_TOKENS)
    targets = [labels.index(label) for label in frame["label"]]
    return [
        {**{name: values[row] for name, values in encoded.items()}, "labels": target}
        for row, target in enumerate(targets)
    ]


def _threads() -> int:
    import torch

    return torch.get_num_threads()


if __name__ == "__main__":
    main()
